package intake

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"sync"
	"time"
)

// rereadEvery is how often a key file is looked at.
const rereadEvery = 10 * time.Second

// Key is the API key, from the configuration or from a file that may be replaced while the collector runs.
type Key struct {
	file  string
	every time.Duration

	mu       sync.Mutex
	value    string
	read     time.Time
	refused  bool
	probing  bool          // somebody tries the refused key again
	changed  chan struct{} // closed when one of the above changes
	notified time.Time
}

// NewKey returns the key of the configuration, or the one in file, which is read at once.
func NewKey(value, file string) (*Key, error) {
	k := &Key{file: file, value: value, every: rereadEvery, changed: make(chan struct{})}
	if file == "" {
		return k, nil
	}
	read, err := readKey(file)
	if err != nil {
		return nil, err
	}
	k.value, k.read = read, time.Now()
	return k, nil
}

func readKey(file string) (string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read api::key_file: %w", err)
	}
	key := string(bytes.TrimSpace(raw))
	if err := CheckKey(key); err != nil {
		return "", fmt.Errorf("api::key_file %s: %w", file, err)
	}
	return key, nil
}

// CheckKey tells what is wrong with a key without repeating it.
func CheckKey(key string) error {
	if key == "" {
		return fmt.Errorf("the key is empty")
	}
	for _, c := range []byte(key) {
		if c <= ' ' || c >= 0x7f || c == '$' || c == '{' {
			return fmt.Errorf("the key holds a character that no key has, such as a blank, a line break or a variable that was not replaced")
		}
	}
	return nil
}

// refresh reads the file again if it was not read lately, or if now is true.
func (k *Key) refresh(now bool) {
	if k.file == "" || !now && time.Since(k.read) < k.every {
		return
	}
	k.read = time.Now()
	value, err := readKey(k.file)
	if err == nil && value != k.value {
		k.value = value
		k.set(false)
	}
}

func (k *Key) set(refused bool) {
	k.refused = refused
	close(k.changed)
	k.changed = make(chan struct{})
}

// Refused reports whether the last answer was that the key is not valid.
func (k *Key) Refused() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.refused
}

// acquire returns the key to send with. While it is refused only the caller that tries it again goes on; the others wait here.
func (k *Key) acquire(ctx context.Context) (string, error) {
	for {
		k.mu.Lock()
		k.refresh(false)
		value, changed, wait := k.value, k.changed, k.refused && k.probing
		k.mu.Unlock()
		if !wait {
			return value, nil
		}
		select {
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-changed:
		}
	}
}

func (k *Key) current() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refresh(false)
	return k.value
}

// accepted notes that the intake took a request with this key.
func (k *Key) accepted(value string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.refused && value == k.value {
		k.set(false)
	}
}

// refuse notes that the intake refused this key, and reports whether the caller is the one to try again.
func (k *Key) refuse(value string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refresh(true)
	if value != k.value {
		return false // it has been replaced
	}
	if !k.refused {
		k.set(true)
	}
	if k.probing {
		return false
	}
	k.probing = true
	return true
}

// endProbe lets another caller try.
func (k *Key) endProbe() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.probing = false
	k.set(k.refused)
}

// wait returns when the key has changed, or after d.
func (k *Key) wait(ctx context.Context, d time.Duration) error {
	k.mu.Lock()
	was := k.value
	k.mu.Unlock()
	end := time.NewTimer(d)
	defer end.Stop()
	look := time.NewTicker(min(k.every, d))
	defer look.Stop()
	for {
		k.mu.Lock()
		k.refresh(false)
		changed, now := k.changed, k.value
		k.mu.Unlock()
		if now != was {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-end.C:
			return nil
		case <-look.C:
		case <-changed:
		}
	}
}

// complain reports whether it is time to log that the key is refused, at most once a minute.
func (k *Key) complain() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.notified) < time.Minute {
		return false
	}
	k.notified = time.Now()
	return true
}
