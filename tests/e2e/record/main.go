package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
)

// source is one file of the corpus.
type source struct {
	name   string // TRACER-FORMAT
	record func(r *recorder) error
}

var sources = []source{
	{"go-v0.4", tracer("v0.4", goApp)},
	{"go-v1.0", tracer("v1.0", goApp)},
	{"node-v0.4", tracer("v0.4", nodeApp)},
	{"node-v0.5", tracer("v0.5", nodeApp)},
	{"python-v0.4", tracer("v0.4", pythonApp)},
	{"python-v0.5", tracer("v0.5", pythonApp)},
	{"java-v0.4", tracer("v0.4", javaApp)},
	{"java-v0.5", tracer("v0.5", javaApp)},
	{"browser-rum", browser},
	{"fluent-forward", loggers},
}

func main() {
	log.SetFlags(0)
	out := flag.String("o", "../../internal/corpus/testdata", "folder to write to")
	only := flag.String("only", "", "record what begins with one of these, separated by commas")
	flag.Parse()
	for _, s := range sources {
		if !wanted(s.name, *only) {
			continue
		}
		if err := write(s, filepath.Join(*out, s.name+".tar.zst")); err != nil {
			log.Fatalf("record %s: %v", s.name, err)
		}
	}
}

func wanted(name, only string) bool {
	for _, prefix := range strings.Split(only, ",") {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func write(s source, path string) error {
	dir, err := os.MkdirTemp("", "record-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r, err := newRecorder(dir)
	if err != nil {
		return err
	}
	defer r.close()
	if err := s.record(r); err != nil {
		return err
	}
	size, err := archive(path, r.taken())
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d requests, %d bytes\n", path, len(r.taken()), size)
	return nil
}
