package eventstore_test

import (
	"sync"
	"testing"

	"github.com/cockroachdb/errors"

	"tender/eventstore"
)

func TestMigrationsMayBeRepeatedByAnyNumber(t *testing.T) {
	b := setup(t)
	other := eventstore.Log{Mode: "other"}
	if _, err := eventstore.Open(b.ctx, other, b.AppURL); !errors.Is(err, eventstore.ErrSchemaVersion) {
		t.Errorf("open before: %v", err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := eventstore.Migrate(b.ctx, b.AdminURL, other); err != nil {
				t.Errorf("migrate: %+v", err)
			}
			if err := eventstore.CreateRoles(b.ctx, b.SuperURL, nil); err != nil {
				t.Errorf("roles: %+v", err)
			}
		})
	}
	wg.Wait()
	store, err := eventstore.Open(b.ctx, other, b.AppURL)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	mustAppend(t, store, write("ps_1", 0, 1))
	if n := len(events(t, b.store)); n != 0 {
		t.Errorf("another log has %d events of it", n)
	}
}

func TestAnotherSchemaVersionIsRefused(t *testing.T) {
	b := setup(t)
	asSuper(t, b, `INSERT INTO log_test.schema_version (version, name) VALUES (9999, 'of tomorrow')`)
	if _, err := eventstore.Open(b.ctx, testLog, b.AppURL); !errors.Is(err, eventstore.ErrSchemaVersion) {
		t.Errorf("open: %v", err)
	}
	if err := eventstore.Migrate(b.ctx, b.AdminURL, testLog); !errors.Is(err, eventstore.ErrSchemaVersion) {
		t.Errorf("migrate: %v", err)
	}
	asSuper(t, b, `DELETE FROM log_test.schema_version WHERE version > 1`)
	if _, err := eventstore.Open(b.ctx, testLog, b.AppURL); !errors.Is(err, eventstore.ErrSchemaVersion) {
		t.Errorf("open an old one: %v", err)
	}
}

func TestALogsModeIsChecked(t *testing.T) {
	b := setup(t)
	for _, mode := range []string{"", "Test", `x"y`, "a b", "a'b"} {
		log := eventstore.Log{Mode: mode}
		if err := eventstore.Migrate(b.ctx, b.AdminURL, log); err == nil {
			t.Errorf("migrate %q", mode)
		}
		if _, err := eventstore.Open(b.ctx, log, b.AppURL); err == nil {
			t.Errorf("open %q", mode)
		}
	}
}
