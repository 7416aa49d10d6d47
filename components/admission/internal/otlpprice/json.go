package otlpprice

import "bytes"

const (
	objectPrice  = 320 // the dearest thing an object can be: a span
	elementPrice = 32  // what follows a comma in an array of numbers or strings
)

// JSON returns what the JSON request b costs: every object at the price of the dearest, and its length.
func JSON(b []byte, l Limits) (int64, error) {
	// Four brackets of JSON are one message in another: {"kvlistValue":{"values":[{"value":…
	most := 4 * (l.Depth + itemDepth)
	cost, depth := int64(len(b)), 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			end := endOfString(b, i+1)
			if end < 0 {
				return cost, errMalformed
			}
			i = end
		case '{':
			cost += objectPrice
			if depth++; depth > most {
				return cost, errDepth
			}
		case '[':
			if depth++; depth > most {
				return cost, errDepth
			}
		case '}', ']':
			depth--
		case ',':
			cost += elementPrice
		}
		if cost > l.Cost {
			return cost, errPrice
		}
	}
	return cost, nil
}

// endOfString returns where the quote is that ends the string whose text begins at b[i], or -1.
func endOfString(b []byte, i int) int {
	for {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return -1
		}
		end := i + n
		// It is escaped if an odd number of backslashes stands before it.
		back := end
		for back > i && b[back-1] == '\\' {
			back--
		}
		if (end-back)%2 == 0 {
			return end
		}
		i = end + 1
	}
}
