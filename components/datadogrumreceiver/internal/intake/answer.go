package intake

import (
	"net/http"
)

// answer is what a sender is told. SDKs retry 408, 429 and 5xx and delete on
// everything else, so 202 is said when the data is taken and 503 when it is not
// yet; an answer that makes them delete is only for what can never be taken.
type answer struct {
	code        int
	text        string
	contentType string // of a text that is Datadog's
	note        note
}

// note is what is counted of a request besides its answer.
type note uint8

const (
	nothing note = iota
	limitedByIP
	limitedByToken
	duplicateBody // its events were converted before
	unusedRequest // neither converted nor handed on
)

var accepted = answer{code: http.StatusAccepted}

func (a answer) write(w http.ResponseWriter) {
	switch a.code {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", "POST, OPTIONS")
	}
	switch {
	case a.contentType != "":
		w.Header().Set("Content-Type", a.contentType)
		w.WriteHeader(a.code)
		_, _ = w.Write([]byte(a.text))
	case a.text == "":
		w.WriteHeader(a.code)
	default:
		http.Error(w, a.text, a.code)
	}
}
