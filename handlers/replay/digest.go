package replay

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/cockroachdb/errors"
)

// depthMax bounds how deep values lie in one another.
const depthMax = 64

var (
	timeType     = reflect.TypeFor[time.Time]()
	locationType = reflect.TypeFor[*time.Location]()
)

// describe writes a value as bytes that are the same for equal values, whatever
// their fields are for: unexported ones count, maps are in the order of their keys.
//
// What is empty is left out, so that a build whose states have a field more, which
// nothing in an older log fills, folds that log to the same.
func describe(v any) ([]byte, error) {
	var b bytes.Buffer
	if err := write(&b, reflect.ValueOf(v), 0); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func write(b *bytes.Buffer, v reflect.Value, depth int) error {
	if depth > depthMax {
		return errors.AssertionFailedf("values lie deeper than %d in one another", depthMax)
	}
	switch v.Kind() {
	case reflect.Invalid:
	case reflect.Bool:
		b.WriteString(strconv.FormatBool(v.Bool()))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		b.WriteString(strconv.FormatInt(v.Int(), 10))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		b.WriteString(strconv.FormatUint(v.Uint(), 10))
	case reflect.String:
		b.WriteString(strconv.Quote(v.String()))
	case reflect.Pointer:
		if v.Type() == locationType {
			return write(b, v.Elem().FieldByName("name"), depth+1)
		}
		return write(b, v.Elem(), depth+1)
	case reflect.Interface:
		b.WriteString(v.Elem().Type().String())
		return write(b, v.Elem(), depth+1)
	case reflect.Struct:
		return writeStruct(b, v, depth)
	case reflect.Slice, reflect.Array:
		b.WriteByte('[')
		for i := range v.Len() {
			if err := write(b, v.Index(i), depth+1); err != nil {
				return err
			}
			b.WriteByte(',')
		}
		b.WriteByte(']')
	case reflect.Map:
		return writeMap(b, v, depth)
	default:
		return errors.AssertionFailedf("a %s can't be told from another", v.Type())
	}
	return nil
}

func writeStruct(b *bytes.Buffer, v reflect.Value, depth int) error {
	b.WriteByte('{')
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if v.Field(i).IsZero() || v.Type() == timeType && f.Name == "loc" {
			continue // an instant is one wherever it is read
		}
		fmt.Fprintf(b, "%s:", f.Name)
		if err := write(b, v.Field(i), depth+1); err != nil {
			return err
		}
		b.WriteByte(',')
	}
	b.WriteByte('}')
	return nil
}

func writeMap(b *bytes.Buffer, v reflect.Value, depth int) error {
	pairs := make([][]byte, 0, v.Len())
	for key, value := range v.Seq2() {
		var pair bytes.Buffer
		if err := write(&pair, key, depth+1); err != nil {
			return err
		}
		pair.WriteByte(':')
		if err := write(&pair, value, depth+1); err != nil {
			return err
		}
		pairs = append(pairs, pair.Bytes())
	}
	slices.SortFunc(pairs, bytes.Compare)
	b.WriteByte('{')
	b.Write(bytes.Join(pairs, []byte{','}))
	b.WriteByte('}')
	return nil
}
