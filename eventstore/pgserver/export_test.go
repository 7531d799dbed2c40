package pgserver

// Install is the installation by itself: the machine of a test has PostgreSQL.
var Install = install
