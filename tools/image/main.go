package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "image:", err)
		}
		os.Exit(1)
	}
}

func run(args []string) error {
	var (
		s     spec
		out   string
		epoch int64
	)
	fs := flag.NewFlagSet("image", flag.ContinueOnError)
	fs.StringVar(&out, "o", "image.tar", "archive to write")
	fs.StringVar(&s.ref, "tag", "", "name:tag of the image, without a registry host")
	fs.StringVar(&s.user, "user", "0:0", "uid:gid the image runs as, and the owner of -dir")
	fs.Int64Var(&epoch, "epoch", 0, "time of every file and of the image, seconds since 1970")
	fs.Func("arch", "architecture, as Go names it; repeat for more", appendTo(&s.architectures))
	fs.Func("file", "destination=source; {arch} in the source is replaced", func(v string) error {
		dst, src, ok := strings.Cut(v, "=")
		if !ok || dst == "" || src == "" {
			return fmt.Errorf("want destination=source, got %q", v)
		}
		s.entries = append(s.entries, entry{path: dst, source: src})
		return nil
	})
	fs.Func("dir", "empty directory owned by -user", func(v string) error {
		s.entries = append(s.entries, entry{path: v})
		return nil
	})
	fs.Func("entrypoint", "program to run; repeat for its fixed arguments", appendTo(&s.entrypoint))
	fs.Func("cmd", "default argument; repeat for more", appendTo(&s.cmd))
	fs.Func("env", "NAME=value; repeat for more", appendTo(&s.env))
	fs.Func("port", "port/protocol the program listens on, as 4317/tcp", appendTo(&s.ports))
	fs.Func("label", "name=value", func(v string) error {
		name, value, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			return fmt.Errorf("want name=value, got %q", v)
		}
		if s.labels == nil {
			s.labels = map[string]string{}
		}
		s.labels[name] = value
		return nil
	})
	fs.StringVar(&s.rootfs, "rootfs", "", "also write the files of each architecture here, as .tar.gz for a Dockerfile to ADD; {arch} is replaced")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	s.time = time.Unix(epoch, 0).UTC()
	if err := s.validate(); err != nil {
		return err
	}
	return writeFile(out, s)
}

// writeFile puts the archive at path whole or not at all.
func writeFile(path string, s spec) error {
	f, err := os.Create(path + ".tmp")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	digest, err := write(f, s)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	fmt.Printf("%s@%s %s\n", s.ref, digest, path)
	return nil
}

func appendTo(list *[]string) func(string) error {
	return func(v string) error {
		*list = append(*list, v)
		return nil
	}
}
