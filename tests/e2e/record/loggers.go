package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"sync"
	"time"

	"github.com/fluent/fluent-logger-golang/fluent"
	"github.com/tinylib/msgp/msgp"
)

const logsEach = 300

// loggers records each connection of Fluent loggers: everything one client sent.
func loggers(r *recorder) error {
	modules, err := filepath.Abs("clients/browser/node_modules")
	if err != nil {
		return err
	}
	python, err := filepath.Abs("clients/python/.venv/bin/python")
	if err != nil {
		return err
	}
	count := fmt.Sprint(logsEach)
	for _, mode := range []string{"Message", "PackedForward", "CompressedPackedForward"} {
		err := logged(r, "node-"+mode, func(host, port string) error {
			return run([]string{"NODE_PATH=" + modules}, "node", "record/apps/loggers/log.js", host, port, mode, count)
		})
		if err != nil {
			return err
		}
	}
	err = logged(r, "python", func(host, port string) error {
		return run(nil, python, "record/apps/loggers/log.py", host, port, count)
	})
	if err != nil {
		return err
	}
	for _, ack := range []bool{false, true} {
		err := logged(r, fmt.Sprintf("go-ack-%t", ack), func(host, port string) error { return goLogger(host, port, ack) })
		if err != nil {
			return err
		}
	}
	return nil
}

func run(env []string, name string, args ...string) error {
	p, err := start(env, name, args...)
	if err != nil {
		return err
	}
	return p.wait()
}

func goLogger(host, port string, ack bool) error {
	var number int
	if _, err := fmt.Sscan(port, &number); err != nil {
		return err
	}
	logger, err := fluent.New(fluent.Config{FluentHost: host, FluentPort: number, SubSecondPrecision: true, RequestAck: ack})
	if err != nil {
		return err
	}
	for i := range logsEach {
		err := logger.Post("shop.api", map[string]any{
			"level": "info", "msg": fmt.Sprintf("order %d charged", i*37%5000), "latency": time.Duration(i) * time.Millisecond, "ratio": float64(i) / 3,
			"trace_id": fmt.Sprintf("%016x%016x", i*7919, i*104729), "labels": map[string]string{"shard": fmt.Sprint(i % 8)},
		})
		if err != nil {
			return err
		}
	}
	return logger.Close()
}

// logged runs send against a listener, and keeps each connection's bytes as one request named name.
func logged(r *recorder, name string, send func(host, port string) error) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer conn.Close()
				if body := receive(conn); len(body) > 0 {
					r.keep(request{Path: name, body: body})
				}
			})
		}
	})
	host, port, _ := net.SplitHostPort(listener.Addr().String()) // it has both
	err = send(host, port)
	_ = listener.Close()
	conns.Wait()
	return err
}

// receive reads until the client closes, and acknowledges the chunks that ask for it.
func receive(conn net.Conn) []byte {
	var all bytes.Buffer
	in := msgp.NewReader(io.TeeReader(conn, &all))
	for {
		message, err := in.ReadIntf()
		if err != nil {
			return all.Bytes()
		}
		parts, _ := message.([]any)
		if len(parts) == 0 {
			continue
		}
		options, _ := parts[len(parts)-1].(map[string]any)
		if chunk, ok := options["chunk"].(string); ok {
			ack := msgp.AppendMapStrStr(nil, map[string]string{"ack": chunk})
			if _, err := conn.Write(ack); err != nil {
				return all.Bytes()
			}
		}
	}
}
