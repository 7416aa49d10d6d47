package collector

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
)

// Root is the checkout's folder.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	if !filepath.IsAbs(file) { // built with -trimpath: tests run in their package's folder
		dir, err := os.Getwd()
		if err != nil {
			panic(err)
		}
		for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			if _, err := os.Stat(filepath.Join(dir, "builder-config.yaml")); err == nil {
				return dir
			}
		}
		panic("builder-config.yaml not found above the working directory")
	}
	return filepath.Join(filepath.Dir(file), "../../../..")
}

// Binary is the path of the shipped binary: OTELCOL_OBS_BIN, or bin/otelcol-obs
// after `make build`, which costs a moment when nothing changed.
var Binary = sync.OnceValues(func() (string, error) {
	if bin := os.Getenv("OTELCOL_OBS_BIN"); bin != "" {
		return filepath.Abs(bin)
	}
	build := exec.Command("make", "--no-print-directory", "build")
	build.Dir = Root()
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("make build: %w\n%s", err, out)
	}
	return filepath.Join(Root(), "bin", "otelcol-obs"), nil
})
