package retrypolicy

import (
	"errors"
	"fmt"
)

// request is what can be told about a request without its transport.
type request struct {
	signal, contentType string
	body                []byte // decoded
}

// post sends one part and says what its answer means; err is the reason when
// that is anything but deliver.
type post func(part []byte) (action, error)

// sendHalves cuts a request that is too large in two and sends both, cutting
// again as often as needed. It returns nil when every item was delivered or put
// in quarantine; after an error the request has to be retried as a whole.
func (p *policy) sendHalves(r request, sent *sentParts, send post) error {
	first, second, err := halve(r.signal, r.contentType, r.body)
	if err != nil {
		return p.keep(r, "too_large", err)
	}
	keys := [2][32]byte{}
	for i, part := range [][]byte{first, second} {
		keys[i] = partKey(r.signal, part)
		if sent.has(keys[i]) {
			continue
		}
		half := request{r.signal, r.contentType, part}
		act, err := send(part)
		switch act {
		case deliver:
		case toQuarantine:
			err = p.keep(half, "refused", err)
		case split:
			err = p.sendHalves(half, sent, send)
		}
		if act != deliver && err != nil {
			return fmt.Errorf("part %d of a request that was split: %w", i+1, err)
		}
		sent.add(keys[i])
	}
	sent.forget(keys[0])
	sent.forget(keys[1])
	return nil
}

// keep puts a request in quarantine. Its error means that the request is
// nowhere else and must be retried.
func (p *policy) keep(r request, reason string, cause error) error {
	if err := p.quarantine.store(r, reason); err != nil {
		p.tel.quarantineFull(r.signal)
		return errors.Join(cause, fmt.Errorf("put request in quarantine: %w", err))
	}
	p.tel.quarantined(r.signal, reason)
	return nil
}

// keepRejected is for a request of which the backend took some items. They
// can't be told apart, so all are kept; to retry would duplicate what was taken.
func (p *policy) keepRejected(r request, items int64) {
	p.tel.rejected(r.signal, items)
	if err := p.keep(r, "partial_success", nil); err != nil {
		p.logger.Sugar().Errorf("backend rejected %d items and the request can't be kept: %v", items, err)
	}
}
