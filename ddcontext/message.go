package ddcontext

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/propagation"
)

const (
	// DatadogAttribute is the message attribute in which Datadog's tracers put all their headers as one JSON object.
	DatadogAttribute = "_datadog"

	maxMessageAttributes = 10        // SQS and SNS accept no more
	maxDatadogAttribute  = 16 * 1024 // a real one has less than 1 KiB
)

// ErrAttributesFull says that a message has 10 attributes already, so that it leaves without a context.
var ErrAttributesFull = errors.New("write message attribute _datadog: the message has 10 attributes already")

// MessageAttributes is what MessageCarrier needs of an SQS or SNS message: an adapter of a few lines over the client library's own type, see
// the example.
type MessageAttributes interface {
	// Get returns a String attribute's text or a Binary attribute's bytes, base64 or not. ok is false if there is no such attribute.
	Get(name string) (value []byte, ok bool)
	// Set writes a String attribute.
	Set(name, value string)
	// Names lists the attributes.
	Names() []string
}

// MessageCarrier carries trace context in the attributes of an SQS or SNS message. Make one with NewMessageCarrier, for one message.
type MessageCarrier struct {
	attributes MessageAttributes
	headers    map[string]string          // of the _datadog attribute
	members    map[string]json.RawMessage // the same object with what is no text, to be written back
	whole      bool                       // _datadog holds a context: one of another hop may stand beside it
	err        error
}

var _ propagation.TextMapCarrier = (*MessageCarrier)(nil)

// NewMessageCarrier returns a carrier for one message. It reads the `_datadog` attribute, which Datadog's tracers write as String on SQS and
// as Binary on SNS (base64 once it reaches a Lambda function). Plain attributes such as traceparent are read where that holds no context: a message
// that was forwarded may have the attributes of one hop and the `_datadog` of another, and half of each would be a trace of nobody. It writes `_datadog` only,
// and leaves the other members of that object as they are. What does not parse, or is longer than 16 KiB, is as if it were not there.
func NewMessageCarrier(attributes MessageAttributes) *MessageCarrier {
	c := &MessageCarrier{attributes: attributes, headers: map[string]string{}, members: map[string]json.RawMessage{}}
	value, _ := attributes.Get(DatadogAttribute)
	if len(value) > maxDatadogAttribute {
		return c
	}
	value = bytes.TrimSpace(value)
	if len(value) > 0 && value[0] != '{' {
		decoded, err := base64.StdEncoding.DecodeString(string(value))
		if err != nil {
			return c
		}
		value = decoded
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(value, &members) != nil {
		return c
	}
	for key, raw := range members {
		c.members[key] = raw
		if text, ok := jsonText(raw); ok {
			c.headers[key] = text
			c.whole = c.whole || isIDHeader(key)
		}
	}
	return c
}

// isIDHeader reports whether a context begins with this header, in any style.
func isIDHeader(key string) bool {
	for _, style := range []Style{Datadog, TraceContext, B3, B3Multi} {
		if strings.EqualFold(key, style.idHeader().name) {
			return true
		}
	}
	return false
}

// isContextHeader reports whether a header is part of a context, in any style.
func isContextHeader(key string) bool {
	if strings.EqualFold(key, b3FlagsHeader.name) {
		return true
	}
	for _, style := range []Style{Datadog, TraceContext, B3, B3Multi} {
		for _, h := range style.fields() {
			if strings.EqualFold(key, h.name) {
				return true
			}
		}
	}
	return false
}

// jsonText returns a string's text or a number's digits, all of them: an id read as a floating-point number would be another id.
func jsonText(raw json.RawMessage) (string, bool) {
	var text string
	if json.Unmarshal(raw, &text) == nil && raw[0] == '"' {
		return text, true
	}
	var number json.Number
	if json.Unmarshal(raw, &number) == nil && raw[0] != 'n' {
		return number.String(), true
	}
	return "", false
}

// Get returns a header from the _datadog attribute or else a plain attribute of that name. A context is taken from one of the two.
func (c *MessageCarrier) Get(key string) string {
	if value, ok := c.headers[key]; ok {
		return value
	}
	if c.whole && isContextHeader(key) {
		return ""
	}
	value, _ := c.attributes.Get(key)
	return string(value)
}

// Set writes a header into the _datadog attribute. If there is no room for the attribute nothing is written, and Err says so.
func (c *MessageCarrier) Set(key, value string) {
	c.Delete(key)
	c.headers[key] = value
	c.members[key], _ = json.Marshal(value)
	c.write()
}

// Delete removes a header from the _datadog attribute, in whatever case.
func (c *MessageCarrier) Delete(key string) {
	deleted := false
	for name := range c.members {
		if strings.EqualFold(name, key) {
			delete(c.members, name)
			delete(c.headers, name)
			deleted = true
		}
	}
	if deleted {
		c.write()
	}
}

func (c *MessageCarrier) write() {
	names := c.attributes.Names()
	if len(names) >= maxMessageAttributes && !slices.Contains(names, DatadogAttribute) {
		c.err = ErrAttributesFull
		return
	}
	object, _ := json.Marshal(c.members) // strings, and JSON that was read
	c.attributes.Set(DatadogAttribute, string(object))
}

// Keys lists the headers and the plain attributes.
func (c *MessageCarrier) Keys() []string {
	var keys []string
	for key := range c.headers {
		keys = append(keys, key)
	}
	for _, name := range c.attributes.Names() {
		if name != DatadogAttribute && !(c.whole && isContextHeader(name)) {
			keys = append(keys, name)
		}
	}
	return keys
}

// Err returns ErrAttributesFull if a header could not be written. The message can be sent nevertheless; its consumer begins a trace anew.
func (c *MessageCarrier) Err() error { return c.err }
