package requiredenv

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// parseHeaders reads the OpenTelemetry specification's form of header lists:
// W3C Baggage syntax without properties. Errors name the entry by its number,
// because the entry itself may be a secret.
func parseHeaders(s string) (map[string]any, error) {
	headers := map[string]any{}
	if strings.TrimSpace(s) == "none" {
		return headers, nil
	}
	n := 0
	for entry := range strings.SplitSeq(s, ",") {
		n++
		if strings.TrimSpace(entry) == "" {
			continue
		}
		key, value, ok := strings.Cut(entry, "=")
		key = strings.TrimSpace(key)
		if !ok || key == "" {
			return nil, fmt.Errorf("entry %d is not key=value", n)
		}
		key, errKey := url.PathUnescape(key)
		value, errValue := url.PathUnescape(strings.TrimSpace(value))
		if errKey != nil || errValue != nil {
			return nil, fmt.Errorf("entry %d has a percent sign that is not followed by two hex digits", n)
		}
		headers[key] = value
	}
	if len(headers) == 0 {
		return nil, errors.New("no key=value entry found")
	}
	return headers, nil
}
