// Sendspan sends one span over OTLP/HTTP and says whether it was accepted. It
// is in the image beside the collector, for `helm test` and for people who want
// to know whether a collector takes data; it needs no shell and no other image.
//
//	sendspan -timeout=60s http://127.0.0.1:4318
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "sendspan:", err)
		}
		os.Exit(1)
	}
}

func run(args []string, out io.StringWriter) error {
	fs := flag.NewFlagSet("sendspan", flag.ContinueOnError)
	timeout := fs.Duration("timeout", 10*time.Second, "how long to try")
	fs.Usage = func() {
		fmt.Fprintln(fs.Output(), "usage: sendspan [-timeout=10s] http://host:4318")
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() != 1 {
		return fmt.Errorf("want one address such as http://127.0.0.1:4318, got %d", fs.NArg())
	}
	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()
	s := newSpan(time.Now())
	if err := send(ctx, fs.Arg(0), s); err != nil {
		return err
	}
	_, err := out.WriteString("accepted: trace " + s.traceID + ", service sendspan\n")
	return err
}
