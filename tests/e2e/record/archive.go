package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/klauspost/compress/zstd"
)

// archive writes requests as internal/corpus reads them, and returns the size of the file.
func archive(path string, requests []request) (int, error) {
	if len(requests) == 0 {
		return 0, fmt.Errorf("nothing was sent")
	}
	var tarred bytes.Buffer
	tw := tar.NewWriter(&tarred)
	add := func(name string, content []byte) error {
		if err := tw.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), Format: tar.FormatUSTAR}); err != nil {
			return err
		}
		_, err := tw.Write(content)
		return err
	}
	index, err := json.MarshalIndent(requests, "", " ")
	if err != nil {
		return 0, err
	}
	if err := add("requests.json", append(index, '\n')); err != nil {
		return 0, err
	}
	for i, r := range requests {
		if err := add(fmt.Sprintf("%04d", i), r.body); err != nil {
			return 0, err
		}
	}
	if err := tw.Close(); err != nil {
		return 0, err
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		return 0, err
	}
	packed := enc.EncodeAll(tarred.Bytes(), nil)
	return len(packed), os.WriteFile(path, packed, 0o644)
}
