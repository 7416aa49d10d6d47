package decode

import (
	"errors"
	"io"

	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/inflate"
	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

const (
	windowBytes   = 64 << 10
	maxKeptWindow = 256 << 10
)

// inflated reads compressed entries one by one through a window, so that they are never held whole.
func (d *Decoder) inflated(f inflate.Format, compressed []byte) error {
	in, release, err := inflate.Open(f, compressed)
	if err != nil {
		d.state.result.Unreadable[Entries]++
		return nil
	}
	defer release()
	if d.window == nil {
		d.window = make([]byte, windowBytes)
	}
	var held, scanned int // bytes in the window, and how many of them the scanner has seen
	var total int64
	d.scan.Reset()
	for {
		n, readErr := in.Read(d.window[held:])
		if total += int64(n); total > d.state.limits.Decompressed {
			return &TooLarge{Limit: "max_decompressed_bytes", Max: d.state.limits.Decompressed}
		}
		held += n
		start, err := d.scanned(held, &scanned)
		if err != nil {
			return err
		}
		if start < 0 {
			return nil
		}
		held = copy(d.window, d.window[start:held])
		scanned -= start
		switch {
		case readErr != nil:
			if held > 0 || !errors.Is(readErr, io.EOF) {
				d.state.result.Unreadable[Entries]++
			}
			return nil
		case held == len(d.window):
			if err := d.state.limits.Charge(len(d.window)); err != nil {
				return err
			}
			d.window = append(d.window, make([]byte, len(d.window))...)
		}
	}
}

// scanned reads the entries that are whole in the first held bytes of the window and returns where the rest begins, -1 if nothing after
// it makes sense.
func (d *Decoder) scanned(held int, scanned *int) (start int, err error) {
	for *scanned < held {
		n, done, err := d.scan.Feed(d.window[*scanned:held])
		if err != nil {
			d.state.result.Unreadable[Entries]++
			return -1, nil
		}
		*scanned += n
		if !done {
			return start, nil
		}
		d.Reader = msgpack.Reader{Buf: d.window[:*scanned], Pos: start}
		if d.text.left < *scanned-start {
			// How much is still to come nobody knows.
			d.text.left = chunkBytes
		}
		if err := d.next(); err != nil {
			return 0, err
		}
		start = *scanned
		d.scan.Reset()
	}
	return start, nil
}
