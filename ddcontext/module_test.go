package ddcontext

import (
	"os"
	"regexp"
	"testing"
)

// A service that imports this package must get the OpenTelemetry API and nothing else. The API itself needs xxhash.
func TestTheModuleRequiresNothingButTheAPI(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string]bool{
		"go.opentelemetry.io/otel":       true,
		"go.opentelemetry.io/otel/trace": true,
		"github.com/cespare/xxhash/v2":   true,
	}
	required := regexp.MustCompile(`(?m)^(?:require)?\s+(\S+) v\S+( // indirect)?$`).FindAllStringSubmatch(string(mod), -1)
	if len(required) != len(allowed) {
		t.Errorf("go.mod requires %d modules, want %d", len(required), len(allowed))
	}
	for _, m := range required {
		if !allowed[m[1]] {
			t.Errorf("go.mod requires %s", m[1])
		}
		if indirect := m[2] != ""; indirect != (m[1] == "github.com/cespare/xxhash/v2") {
			t.Errorf("%s: indirect is %v", m[1], indirect)
		}
	}
	if regexp.MustCompile(`(?m)^(replace|tool|exclude)`).Match(mod) {
		t.Error("go.mod has directives that only work here")
	}
}
