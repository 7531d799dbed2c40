package main

import "testing"

func TestReplicas(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"": 1, "1": 1, "3": 3, "5": 5, "0": 0, "6": 0, "-1": 0, "three": 0} {
		c := config{natsReplicas: text}
		if n, err := c.replicas(); n != want || (err == nil) != (want > 0) {
			t.Errorf("%q is %d, %v", text, n, err)
		}
	}
}
