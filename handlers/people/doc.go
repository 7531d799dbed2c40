// Package people carries out what is asked of customers, their saved methods and
// their mandates, and keeps in the vault who they are and which cards they have.
//
// The log holds references only. A vault write precedes the append that names it;
// what no event comes to name is swept.
package people
