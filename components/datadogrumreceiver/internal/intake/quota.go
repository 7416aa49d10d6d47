package intake

import (
	"io"
	"net/http"
)

// quota answers the browser SDK's question whether a session may be profiled.
// It is Datadog's to answer; without the pass-through the answer is no. It
// returns the code of the answer it wrote.
func (h *Handler) quota(w http.ResponseWriter, req *http.Request, c *call) int {
	refuse := func(a answer) int {
		a.write(w)
		return a.code
	}
	if req.Method != http.MethodGet {
		return refuse(answer{http.StatusMethodNotAllowed, "the profiling quota is asked for with GET"})
	}
	from, a := h.admit(req, c, h.now())
	if a != accepted {
		return refuse(a)
	}
	if !h.pass.wants("profile") {
		return refuse(answer{http.StatusForbidden, "profiles are not handed on to Datadog"})
	}
	resp, err := h.pass.do(req.Context(), &passed{track: c.track, url: h.pass.target(c), method: http.MethodGet, header: passHeader(req.Header, from.ip)})
	if err != nil {
		return refuse(answer{http.StatusServiceUnavailable, "Datadog could not be reached"})
	}
	defer resp.Body.Close()
	if contentType := resp.Header.Get("Content-Type"); contentType != "" {
		w.Header().Set("Content-Type", contentType)
	}
	w.WriteHeader(resp.StatusCode)
	const maxAnswer = 64 << 10
	_, _ = io.CopyN(w, resp.Body, maxAnswer)
	return resp.StatusCode
}
