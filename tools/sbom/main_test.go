package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// document is what syft writes, with what differs each time.
func document(created, namespace, dependency string) string {
	return fmt.Sprintf(`{"spdxVersion":"SPDX-2.3","documentNamespace":%q,"creationInfo":{"creators":["Tool: syft"],"created":%q},`+
		`"packages":[{"name":"example.org/obs","versionInfo":"UNKNOWN"},{"name":"example.org/obs/part","versionInfo":"UNKNOWN"},`+
		`{"name":"example.org/obsolete","versionInfo":"v1.0.0"},{"name":%q,"versionInfo":"v2.0.0","size":12345678901234567890}]}`, namespace, created, dependency)
}

func finished(t *testing.T, in string) string {
	var out bytes.Buffer
	require.NoError(t, run([]string{"-epoch=1700000000", "-version=1.2.3", "-module=example.org/obs"}, strings.NewReader(in), &out))
	return out.String()
}

func TestTheSameBinaryGivesTheSameDocument(t *testing.T) {
	first := finished(t, document("2026-01-01T00:00:00Z", "https://example.org/7f5c", "a"))
	assert.Equal(t, first, finished(t, document("2027-01-01T00:00:00Z", "https://example.org/93aa", "a")))
	assert.NotEqual(t, first, finished(t, document("2026-01-01T00:00:00Z", "https://example.org/7f5c", "b")))

	assert.Contains(t, first, `"created": "2023-11-14T22:13:20Z"`)
	assert.Regexp(t, `"documentNamespace": "urn:sha256:[0-9a-f]{64}"`, first)
	assert.Equal(t, 2, strings.Count(first, `"versionInfo": "1.2.3"`))
	assert.Contains(t, first, `"versionInfo": "v1.0.0"`)
	assert.Contains(t, first, `"size": 12345678901234567890`)
}

func TestWhatIsNoBillOfMaterialsOfTheModuleIsRefused(t *testing.T) {
	for in, want := range map[string]string{
		"":                    "read the document: EOF",
		"{}":                  "the document has no creationInfo: it is not SPDX 2 in JSON",
		`{"creationInfo":{}}`: "module example.org/obs is not in the document",
	} {
		err := run([]string{"-module=example.org/obs"}, strings.NewReader(in), &bytes.Buffer{})
		assert.EqualError(t, err, want)
	}
}
