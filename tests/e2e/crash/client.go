package crash

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// outcome is what a client knows after it sent a batch.
type outcome int

const (
	acked     outcome = iota // told that it is safe
	refused                  // told no, or never connected
	uncertain                // no answer
)

// sender sends one batch over one protocol. It may keep a connection.
type sender interface {
	send(ctx context.Context, uids []uint64) (outcome, error)
	close()
}

// Client offers batches at a steady pace and sends each until it is taken.
type Client struct {
	Source *Source
	Batch  int
	Every  time.Duration // between two batches; zero is as fast as it goes
	sender sender

	mu      sync.Mutex
	latency []time.Duration
	lastErr error
}

// retryPause is how long a client waits after a refusal: short, to be there
// when the door opens for a moment.
const retryPause = 20 * time.Millisecond

// Run sends until offering ends, and then at most until the last batch is taken
// or ctx ends.
func (c *Client) Run(ctx context.Context, offering <-chan struct{}) {
	defer c.sender.close()
	next := time.Now()
	for {
		select {
		case <-offering:
			return
		case <-ctx.Done():
			return
		case <-time.After(time.Until(next)):
		}
		next = next.Add(c.Every)
		if behind := time.Now().Add(-time.Second); next.Before(behind) {
			next = behind // a long refusal is not made up for at once
		}
		if !c.deliver(ctx, c.Source.Offer(c.Batch)) {
			return
		}
	}
}

// deliver sends one batch until it is taken.
func (c *Client) deliver(ctx context.Context, uids []uint64) bool {
	for ctx.Err() == nil {
		start := time.Now()
		result, err := c.sender.send(ctx, uids)
		switch result {
		case acked:
			c.Source.Acked(uids)
			c.note(time.Since(start), nil)
			return true
		case refused:
			c.Source.Refused(uids)
		case uncertain:
			c.Source.Uncertain(uids)
		}
		c.note(0, err)
		select {
		case <-ctx.Done():
		case <-time.After(retryPause):
		}
	}
	return false
}

func (c *Client) note(latency time.Duration, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.lastErr = err
	} else {
		c.latency = append(c.latency, latency)
	}
}

// notSent says whether an error means that the batch never left: the
// connection was not made.
func notSent(err error) bool {
	var op *net.OpError
	return errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &op) && op.Op == "dial" ||
		err != nil && strings.Contains(err.Error(), "connection refused")
}

// Fleet is a number of clients that run together.
type Fleet struct {
	clients  []*Client
	offering chan struct{}
	ctx      context.Context
	cancel   context.CancelFunc
	running  sync.WaitGroup
}

// StartFleet starts clients.
func StartFleet(ctx context.Context, clients ...*Client) *Fleet {
	f := &Fleet{clients: clients, offering: make(chan struct{})}
	f.ctx, f.cancel = context.WithCancel(ctx)
	for _, c := range clients {
		f.running.Go(func() { c.Run(f.ctx, f.offering) })
	}
	return f
}

// Stop ends offering and waits until what was offered is taken, at most for
// the given time.
func (f *Fleet) Stop(patience time.Duration) {
	close(f.offering)
	timer := time.AfterFunc(patience, f.cancel)
	f.running.Wait()
	timer.Stop()
	f.cancel()
}

// Errors returns the last error of each client that had one.
func (f *Fleet) Errors() string {
	var out []string
	for _, c := range f.clients {
		c.mu.Lock()
		if c.lastErr != nil {
			out = append(out, fmt.Sprintf("%s: %v", c.Source.Name, c.lastErr))
		}
		c.mu.Unlock()
	}
	return strings.Join(out, "\n")
}

// Latency returns a percentile of the time to an acknowledgement.
func (f *Fleet) Latency(percentile float64) time.Duration {
	var all []time.Duration
	for _, c := range f.clients {
		c.mu.Lock()
		all = append(all, c.latency...)
		c.mu.Unlock()
	}
	return percentileOf(all, percentile)
}

// memory returns a field of /proc/pid/status, VmRSS or VmHWM, in bytes.
func memory(pid int, field string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			var kb int64
			_, err := fmt.Sscanf(value, "%d kB", &kb)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("no %s in the status of process %d", field, pid)
}

// served is how many batches were acknowledged.
func (c *Client) served() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.latency)
}

func (c *Client) lastError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lastErr
}
