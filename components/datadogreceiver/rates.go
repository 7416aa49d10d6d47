package datadogreceiver

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// rates is the answer to an accepted payload: the head sampling rates, which tracers apply to the traces they begin.
type rates struct {
	// body is `{"rate_by_service":{"service:,env:":1}}`; dd-trace-js logs an error on every flush if the key is missing.
	body []byte
	// version is what a tracer sends back to be spared the same body. It is a hash: it changes with the rates only.
	version string
}

func newRates(configured []SamplingRate) rates {
	byService := map[string]float64{"service:,env:": 1}
	for _, r := range configured {
		byService["service:"+r.Service+",env:"+r.Env] = r.Rate
	}
	// Marshal sorts the keys. A map of finite numbers can't fail.
	body, _ := json.Marshal(map[string]any{"rate_by_service": byService})
	sum := sha256.Sum256(body)
	return rates{body: body, version: hex.EncodeToString(sum[:8])}
}
