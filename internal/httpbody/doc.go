// Package httpbody reads the body of an HTTP request within bounds: decompressed it is no longer than may be, it arrives at a
// minimum pace, and what it holds is taken from the reception pool of package admission before it is read. While others wait
// for that pool, the body that has kept most bytes for longest is ended.
//
//	body, err := httpbody.Open(w, req, pools, limits)
//	if err == nil {
//		defer body.Close()
//		payload, err = body.ReadAll()
//	}
//	if refusal := admission.AsRefusal(err); refusal != nil {
//		body.Drain() // so that the sender reads the answer
//		...
//	}
//
// Where the admission extension is in front as a middleware, req.Body is its Reader already and Open returns that one.
// It expects that nobody has decompressed before: a listener that uses it has compression_algorithms: [].
package httpbody
