package lifetime

import "encoding/json"

// maxLine bounds what is held of a session's first event.
const maxLine = 4096

// What the records of a session say: whose it is, and the app and device, so
// that they share the Resource of its views.
var (
	whose = map[string][]string{
		"type": nil, "date": nil, "source": nil, "service": nil, "version": nil,
		"application": {"id"}, "session": {"id"}, "view": {"id"}, "usr": {"id"}, "account": {"id"},
	}
	device = map[string][]string{
		"ddtags": nil, "device": nil, "os": nil, "display": nil, "connectivity": nil, "build_version": nil, "build_id": nil, "execution_context": nil,
		"_dd": {"browser_sdk_version", "sdk_name", "configuration", "format_version", "session", "drift"},
	}
)

// shorten returns of a view's event what the records of its session need, a
// new string. What describes the device is left out when it is too long.
func shorten(line string) string {
	var all map[string]json.RawMessage
	if json.Unmarshal([]byte(line), &all) != nil {
		return "" // not reached: it was parsed before
	}
	short := map[string]json.RawMessage{}
	pick(short, all, whose)
	fallback, _ := json.Marshal(short)
	pick(short, all, device)
	if full, _ := json.Marshal(short); len(full) <= maxLine {
		return string(full)
	}
	return string(fallback)
}

// pick copies the wanted members of from, of an object only those that are listed.
func pick(to, from map[string]json.RawMessage, wanted map[string][]string) {
	for name, members := range wanted {
		value, ok := from[name]
		if !ok {
			continue
		}
		if members != nil {
			var object map[string]json.RawMessage
			if json.Unmarshal(value, &object) != nil {
				continue
			}
			few := map[string]json.RawMessage{}
			for _, member := range members {
				if v, ok := object[member]; ok {
					few[member] = v
				}
			}
			value, _ = json.Marshal(few)
		}
		to[name] = value
	}
}
