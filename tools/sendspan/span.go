package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Time between two attempts; a pod that has just been made is often refused once.
const pause = 500 * time.Millisecond

// A collector's answer is a few bytes; more than this is somebody else's page.
const maxAnswer = 4 << 10

type span struct {
	traceID, spanID string
	end             time.Time
}

func newSpan(now time.Time) span {
	var id [24]byte
	_, _ = rand.Read(id[:]) // never fails since Go 1.24
	return span{traceID: hex.EncodeToString(id[:16]), spanID: hex.EncodeToString(id[16:]), end: now}
}

// body is the OTLP/JSON form of the span: ids in hex, 64-bit numbers as strings.
func (s span) body() ([]byte, error) {
	type attribute struct {
		Key   string            `json:"key"`
		Value map[string]string `json:"value"`
	}
	return json.Marshal(map[string]any{"resourceSpans": []any{map[string]any{
		"resource": map[string]any{"attributes": []attribute{{"service.name", map[string]string{"stringValue": "sendspan"}}}},
		"scopeSpans": []any{map[string]any{"spans": []any{map[string]any{
			"traceId": s.traceID, "spanId": s.spanID, "name": "sendspan", "kind": 1,
			"startTimeUnixNano": fmt.Sprint(s.end.Add(-time.Millisecond).UnixNano()),
			"endTimeUnixNano":   fmt.Sprint(s.end.UnixNano()),
		}}}},
	}}})
}

// send posts the span until it is accepted, refused for good or ctx ends.
func send(ctx context.Context, base string, s span) error {
	body, err := s.body()
	if err != nil {
		return err
	}
	url := strings.TrimRight(base, "/") + "/v1/traces"
	for {
		again, err := post(ctx, url, body)
		if err == nil || !again {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not accepted in time: %w", err)
		case <-time.After(pause):
		}
	}
}

// post makes one attempt and says whether another may do better.
func post(ctx context.Context, url string, body []byte) (again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return true, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return true, err
	}
	if res.StatusCode != http.StatusOK {
		again := res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 500
		return again, fmt.Errorf("%s answered %s: %s", url, res.Status, text)
	}
	var answer struct {
		PartialSuccess struct {
			RejectedSpans json.Number `json:"rejectedSpans"`
			ErrorMessage  string      `json:"errorMessage"`
		} `json:"partialSuccess"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return false, fmt.Errorf("%s is no OTLP endpoint: its answer is not JSON: %w", url, err)
	}
	if n := answer.PartialSuccess.RejectedSpans; n != "" && n != "0" {
		return false, fmt.Errorf("%s rejected the span: %s", url, answer.PartialSuccess.ErrorMessage)
	}
	return false, nil
}
