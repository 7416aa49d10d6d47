package view

import (
	"bytes"
	"encoding/json"
)

// replacedWhole are the objects an update carries whole, so that what is not
// in them is gone; pageStates is the list it appends to. The rest is merged, and
// null deletes. The counterpart is diffMerge of the browser SDK's startRumBatch.ts.
var replacedWhole = map[string]bool{
	"context": true, "connectivity": true, "usr": true, "device": true, "privacy": true, "view.custom_timings": true,
}

const pageStates = "_dd.page_states"

// merge applies updates, in order, to the whole view base, "" when it never
// came. Lines that are not objects are left out: they were parsed before they
// were held.
func merge(base string, updates []Part) string {
	doc := decodeObject(base)
	if doc == nil {
		doc = map[string]any{}
	}
	for _, u := range updates {
		mergeObject(doc, decodeObject(u.Line), "")
	}
	// The merged document is a view again, whatever it was made of.
	doc["type"] = "view"
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		return base // not reached: doc came from JSON
	}
	return string(bytes.TrimRight(out.Bytes(), "\n"))
}

func decodeObject(line string) map[string]any {
	if line == "" {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(line)))
	dec.UseNumber() // durations in nanoseconds pass 2^53
	var doc map[string]any
	if dec.Decode(&doc) != nil {
		return nil
	}
	return doc
}

func mergeObject(doc, update map[string]any, path string) {
	for key, value := range update {
		at := key
		if path != "" {
			at = path + "." + key
		}
		old, known := doc[key]
		switch value := value.(type) {
		case nil:
			delete(doc, key)
			continue
		case map[string]any:
			if oldObject, ok := old.(map[string]any); ok && known && !replacedWhole[at] {
				mergeObject(oldObject, value, at)
				continue
			}
		case []any:
			if oldList, ok := old.([]any); ok && at == pageStates {
				doc[key] = append(oldList, value...)
				continue
			}
		}
		doc[key] = value
	}
}
