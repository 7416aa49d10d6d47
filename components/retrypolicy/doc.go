// Package retrypolicy decides what an exporter does with a backend's answer.
//
// exporterhelper drops a request for ever on any answer that is not on its
// short list: a rotated key (401, 403), a wrong URL (404), a proxy's 500 each
// delete everything that is sent meanwhile. This extension sits between the
// exporter and its transport, HTTP or gRPC, as one of its middlewares, and
// sorts answers into four:
//
//   - delivered: 2xx, OK. If the backend rejected some of the items in it, they
//     are counted and the request is kept in quarantine;
//   - to quarantine: the backend will never take this request (400, 422,
//     INVALID_ARGUMENT). It is written to a bounded directory, synced, and
//     counts as delivered, so that it does not block what is behind it;
//   - to split: it is too large (413, gRPC's "larger than max"). It is cut in
//     halves until it fits; a single item that does not fit goes to quarantine;
//   - to retry: all else, and whatever could not be put in quarantine. The
//     exporter sees 503 or UNAVAILABLE and keeps the request in its queue.
//
// No answer makes it drop data. It writes bodies to disk, never headers: they
// carry keys.
package retrypolicy
