package corpus

import (
	"archive/tar"
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
)

//go:embed testdata/*.tar.zst
var files embed.FS

// Payload is one request, or one connection's bytes. Many tests share it: it must not be changed.
type Payload struct {
	Method string            `json:"method"`
	Path   string            `json:"path"` // of a request, with its query; of a connection, the client and its mode
	Header map[string]string `json:"header"`
	Body   []byte            `json:"-"`
}

// Source is one file of the corpus.
type Source struct{ Client, Format string }

func (s Source) String() string { return s.Client + "-" + s.Format }

// All returns every source, in the order of their names.
func All() (all []Source) {
	entries, err := files.ReadDir("testdata")
	if err != nil {
		panic(err) // it is embedded
	}
	for _, e := range entries {
		client, format, _ := strings.Cut(strings.TrimSuffix(e.Name(), ".tar.zst"), "-")
		all = append(all, Source{client, format})
	}
	return all
}

// Tracers returns the sources that are requests to a trace agent.
func Tracers() (tracers []Source) {
	for _, s := range All() {
		if strings.HasPrefix(s.Format, "v") {
			tracers = append(tracers, s)
		}
	}
	return tracers
}

var (
	mu   sync.Mutex
	read = map[Source][]Payload{}
)

// Payloads returns what client sent in format, in the order it was sent.
func Payloads(tb testing.TB, client, format string) []Payload {
	tb.Helper()
	mu.Lock()
	defer mu.Unlock()
	source := Source{client, format}
	if _, ok := read[source]; !ok {
		payloads, err := load(source)
		if err != nil {
			tb.Fatalf("read the corpus of %s: %v", source, err)
		}
		read[source] = payloads
	}
	return read[source]
}

func load(s Source) (payloads []Payload, err error) {
	packed, err := files.ReadFile("testdata/" + s.String() + ".tar.zst")
	if err != nil {
		return nil, err
	}
	zr, err := zstd.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	defer zr.Close()
	tr := tar.NewReader(zr)
	for i := -1; ; i++ { // the list of requests comes first
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return payloads, nil
		}
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(tr)
		switch {
		case err != nil:
			return nil, err
		case i < 0:
			if err := json.Unmarshal(content, &payloads); err != nil {
				return nil, fmt.Errorf("%s: %w", h.Name, err)
			}
		case i >= len(payloads) || h.Name != fmt.Sprintf("%04d", i):
			return nil, fmt.Errorf("unexpected %s in the archive", h.Name)
		default:
			payloads[i].Body = content
		}
	}
}
