// Roots writes the certificate authorities that Mozilla trusts as one PEM file,
// from the bundle of the Go project, so that the image holds the same ones
// wherever it is built. Those trusted with constraints are left out: a PEM file
// cannot say so.
package main

import (
	"encoding/pem"
	"flag"
	"fmt"
	"os"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

func main() {
	out := flag.String("o", "ca-certificates.crt", "file to write")
	flag.Parse()
	var text []byte
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate})...)
		}
	}
	if err := os.WriteFile(*out, text, 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "roots:", err)
		os.Exit(1)
	}
}
