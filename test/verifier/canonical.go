package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"sort"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deeply values may be nested before a line is refused.
const maxDepth = 1000

var errForm = errors.New("has no canonical form")

// parseObject reads a JSON object. Members keep json.Number, so that nothing is lost before it is written again.
func parseObject(line []byte) (map[string]any, string) {
	if !utf8.Valid(line) {
		return nil, "is not JSON in UTF-8"
	}
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, "is not JSON in UTF-8"
	}
	// Blanks after the value are left to the comparison of bytes; a second value is not.
	if decoder.More() {
		return nil, "is not JSON in UTF-8"
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, "is not an object"
	}
	return object, ""
}

// canonical gives the RFC 8785 form of a value.
func canonical(value any) ([]byte, error) {
	var out bytes.Buffer
	err := writeValue(&out, value, 0)
	return out.Bytes(), err
}

func writeValue(out *bytes.Buffer, value any, depth int) error {
	if depth > maxDepth {
		return errForm
	}
	switch v := value.(type) {
	case nil:
		out.WriteString("null")
	case bool:
		out.WriteString(strconv.FormatBool(v))
	case string:
		writeString(out, v)
	case json.Number:
		return writeNumber(out, string(v))
	case []any:
		out.WriteByte('[')
		for i, element := range v {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := writeValue(out, element, depth+1); err != nil {
				return err
			}
		}
		out.WriteByte(']')
	case map[string]any:
		return writeObject(out, v, depth)
	default:
		return errForm
	}
	return nil
}

func writeObject(out *bytes.Buffer, object map[string]any, depth int) error {
	names := make([]string, 0, len(object))
	ascii := true
	for name := range object {
		names = append(names, name)
		ascii = ascii && isASCII(name)
	}
	if ascii {
		sort.Strings(names)
	} else {
		sort.Slice(names, func(i, j int) bool { return lessUTF16(names[i], names[j]) })
	}
	out.WriteByte('{')
	for i, name := range names {
		if i > 0 {
			out.WriteByte(',')
		}
		writeString(out, name)
		out.WriteByte(':')
		if err := writeValue(out, object[name], depth+1); err != nil {
			return err
		}
	}
	out.WriteByte('}')
	return nil
}

func isASCII(text string) bool {
	for i := 0; i < len(text); i++ {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// lessUTF16 compares by UTF-16 code units (RFC 8785 section 3.2.3), which differs from the order of bytes above U+FFFF.
func lessUTF16(a, b string) bool {
	left, right := utf16.Encode([]rune(a)), utf16.Encode([]rune(b))
	for i := 0; i < len(left) && i < len(right); i++ {
		if left[i] != right[i] {
			return left[i] < right[i]
		}
	}
	return len(left) < len(right)
}

var shortEscapes = map[byte]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\t': `\t`, '\n': `\n`, '\f': `\f`, '\r': `\r`}

// writeString escapes what RFC 8785 section 3.2.2.2 says, and nothing else.
func writeString(out *bytes.Buffer, text string) {
	const hex = "0123456789abcdef"
	out.WriteByte('"')
	start := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		out.WriteString(text[start:i])
		if short, ok := shortEscapes[c]; ok {
			out.WriteString(short)
		} else {
			out.WriteString(`\u00`)
			out.WriteByte(hex[c>>4])
			out.WriteByte(hex[c&15])
		}
		start = i + 1
	}
	out.WriteString(text[start:])
	out.WriteByte('"')
}

// writeNumber writes a double as ECMAScript does (RFC 8785 section 3.2.2.3).
func writeNumber(out *bytes.Buffer, text string) error {
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(number, 0) || math.IsNaN(number) {
		return errForm
	}
	if number == 0 {
		out.WriteByte('0')
		return nil
	}
	if number < 0 {
		out.WriteByte('-')
		number = -number
	}
	// The shortest digits that lead back to the number, and the place of the decimal point among them.
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(number, 'e', -1, 64), "e")
	digits := strings.Replace(mantissa, ".", "", 1)
	power, err := strconv.Atoi(exponent)
	if err != nil {
		return errForm
	}
	count, point := len(digits), power+1
	switch {
	case count <= point && point <= 21:
		out.WriteString(digits + strings.Repeat("0", point-count))
	case 0 < point && point <= 21:
		out.WriteString(digits[:point] + "." + digits[point:])
	case -6 < point && point <= 0:
		out.WriteString("0." + strings.Repeat("0", -point) + digits)
	default:
		out.WriteString(digits[:1])
		if count > 1 {
			out.WriteString("." + digits[1:])
		}
		out.WriteByte('e')
		if power >= 0 {
			out.WriteByte('+')
		}
		out.WriteString(strconv.Itoa(power))
	}
	return nil
}
