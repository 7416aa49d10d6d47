// Sbom finishes the SPDX document syft wrote, read from standard input: what
// syft makes anew each time (the time, a random name) comes from -epoch and from
// the document itself, so that the same binary gives the same bytes, and the
// modules of this repository, which Go gives no version, get -version.
//
//	syft scan file:bin/otelcol-obs -o spdx-json | sbom -epoch 1700000000 -version 0.1.0 -module github.com/otelcol-obs/otelcol-obs
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "sbom:", err)
		}
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	fs := flag.NewFlagSet("sbom", flag.ContinueOnError)
	epoch := fs.Int64("epoch", 0, "time of the document, seconds since 1970")
	version := fs.String("version", "", "version of -module and of what lies below it")
	module := fs.String("module", "", "path of the main module, which must be in the document")
	if err := fs.Parse(args); err != nil {
		return err
	}
	// Numbers stay as they are written; the fields come out sorted.
	var document map[string]any
	dec := json.NewDecoder(in)
	dec.UseNumber()
	if err := dec.Decode(&document); err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	if err := finish(document, time.Unix(*epoch, 0).UTC(), *module, *version); err != nil {
		return err
	}
	text, err := json.MarshalIndent(document, "", " ")
	if err != nil {
		return err
	}
	_, err = out.Write(append(text, '\n'))
	return err
}

func finish(document map[string]any, created time.Time, module, version string) error {
	info, ok := document["creationInfo"].(map[string]any)
	if !ok {
		return errors.New("the document has no creationInfo: it is not SPDX 2 in JSON")
	}
	info["created"] = created.Format(time.RFC3339)

	found := false
	packages, _ := document["packages"].([]any)
	for _, p := range packages {
		p, _ := p.(map[string]any)
		name, _ := p["name"].(string)
		if name == module || strings.HasPrefix(name, module+"/") {
			p["versionInfo"] = version
			found = found || name == module
		}
	}
	if !found {
		return fmt.Errorf("module %s is not in the document", module)
	}

	// The specification wants a URI no other document has.
	document["documentNamespace"] = ""
	text, err := json.Marshal(document)
	if err != nil {
		return err
	}
	document["documentNamespace"] = fmt.Sprintf("urn:sha256:%x", sha256.Sum256(bytes.TrimSpace(text)))
	return nil
}
