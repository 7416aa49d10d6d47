package main

import (
	"os/exec"
	"path/filepath"
)

// browser records what the RUM SDK sends from Chromium.
func browser(r *recorder) error {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		return err
	}
	modules, err := filepath.Abs("clients/browser/node_modules")
	if err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	p, err := start([]string{"NODE_PATH=" + modules}, "node", "record/apps/browser/drive.js", port, chromium, r.dir, r.url+"/rum", r.url, "8")
	if err != nil {
		return err
	}
	return p.wait()
}
