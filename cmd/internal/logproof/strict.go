package logproof

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"unicode/utf8"
)

// decodeStrictly reads one JSON object into a struct, and refuses whatever another
// reader could take for something else: what is proven must be what is seen.
// encoding/json by itself takes the last of members that have the same name, matches
// names in any case, and puts U+FFFD in the place of what is no Unicode.
func decodeStrictly(text []byte, into any) error {
	if err := unambiguous(text, memberNames(into)); err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// memberNames are the names that the fields of a struct have in JSON.
func memberNames(of any) map[string]bool {
	names := map[string]bool{}
	for _, f := range reflect.VisibleFields(reflect.TypeOf(of).Elem()) {
		if name, there := f.Tag.Lookup("json"); there {
			names[name] = true
		}
	}
	return names
}

// unambiguous says whether a text is one JSON object, each member of which has one of
// the names exactly and is there once.
func unambiguous(text []byte, names map[string]bool) error {
	if !utf8.Valid(text) || loneSurrogate(text) {
		return errors.New("it is not all Unicode")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errors.New("it is no JSON object")
	}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		switch {
		case !names[name]:
			return fmt.Errorf("there is no member called %q", name)
		case seen[name]:
			return fmt.Errorf("the member %q is there twice", name)
		}
		seen[name] = true
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more behind the JSON object")
	}
	return nil
}

// The halves of a character beyond U+FFFF in UTF-16, as escapes name them.
const (
	noHalf = iota
	firstHalf
	secondHalf
)

// loneSurrogate reports whether an escape in a JSON text stands for half a character.
func loneSurrogate(text []byte) bool {
	const length = len(`\u0000`)
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		switch half(text[i:]) {
		case noHalf:
			i++ // what is escaped may be a backslash
		case firstHalf:
			if i += length; half(text[min(i, len(text)):]) != secondHalf {
				return true
			}
			i += length - 1
		case secondHalf:
			return true
		}
	}
	return false
}

// half says which half of a character the escape stands for that a text begins with.
func half(text []byte) int {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return noHalf
	}
	r, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	switch {
	case err != nil || r < 0xd800 || r > 0xdfff:
		return noHalf
	case r < 0xdc00:
		return firstHalf
	}
	return secondHalf
}
