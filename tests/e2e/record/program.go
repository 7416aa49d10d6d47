package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"
)

const patience = 90 * time.Second

// freePort asks the kernel for a port nobody listens on.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

// program is a client that runs.
type program struct {
	cmd  *exec.Cmd
	out  bytes.Buffer
	done chan error
}

func start(env []string, name string, args ...string) (*program, error) {
	p := &program{cmd: exec.Command(name, args...), done: make(chan error, 1)}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.done <- p.cmd.Wait() }()
	return p, nil
}

// ready waits until url answers.
func (p *program) ready(url string) error {
	for end := time.Now().Add(patience); ; {
		if resp, err := http.Get(url); err == nil {
			return resp.Body.Close()
		}
		select {
		case err := <-p.done:
			p.done <- err
			return fmt.Errorf("%s ended: %w\n%s", p.cmd.Path, err, p.out.String())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(end) {
			return errors.Join(fmt.Errorf("%s does not answer", url), p.stop())
		}
	}
}

// stop asks the program to end, which makes a tracer send what it holds.
func (p *program) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-p.done:
		var exit *exec.ExitError
		if errors.As(err, &exit) { // by the signal, or with a status for it
			return nil
		}
		return err
	case <-time.After(patience):
		return errors.Join(fmt.Errorf("%s does not end\n%s", p.cmd.Path, p.out.String()), p.cmd.Process.Kill())
	}
}

// wait waits until the program ends by itself.
func (p *program) wait() error {
	select {
	case err := <-p.done:
		if err != nil {
			return fmt.Errorf("%s: %w\n%s", p.cmd.Path, err, p.out.String())
		}
		return nil
	case <-time.After(patience):
		return errors.Join(fmt.Errorf("%s does not end\n%s", p.cmd.Path, p.out.String()), p.cmd.Process.Kill())
	}
}
