package storage

import (
	"fmt"
	"strings"
)

// CheckReference says what a document, such as a catalogue, must not name: whoever wrote it may be a stranger, and what
// it names is read with the operator's rights. A document on this machine names what it likes. One behind a URL names
// blobs of its own host or bucket and https:// addresses, never files of this machine or another bucket. reference is
// whole: what is relative to the document has been resolved. The error is ErrForbidden.
func CheckReference(document, reference string) error {
	scheme, rest := splitScheme(document)
	if scheme == "" || scheme == "file" {
		return nil
	}
	to, at := splitScheme(reference)
	own, _, _ := strings.Cut(rest, "/")
	host, _, _ := strings.Cut(at, "/")
	if to == "https" || to == scheme && host == own {
		return nil
	}
	allowed := "https:// addresses and paths below itself"
	if scheme == "s3" {
		allowed = "https:// addresses and what is in its own bucket"
	}
	return fmt.Errorf("%w: a file at %s:// may name %s only, one on this machine whatever it likes", ErrForbidden, scheme, allowed)
}
