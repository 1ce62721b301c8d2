package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kleid-search/kleid/storage"
)

// Promoted returns the promoted version and those before it, the latest first; nil if there is none.
func (r *Registry) Promoted(ctx context.Context) ([]string, error) {
	text, err := r.read(ctx, promotedKey, textLimit, r.textPatience)
	if errors.Is(err, storage.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(text)), nil
}

// Promotion is a version that was promoted.
type Promotion struct {
	Manifest
	// Warnings say what was compared although it is not known whether it can be.
	Warnings []string `json:"warnings,omitempty"`
}

// Promote makes a version the one that those get who name none. ErrWorse if one of its figures is worse than that of the
// promoted one, or of its parent, by more than tolerance, or if it lacks a facet of theirs, ErrNotMeasured if it lacks one of theirs, and ErrOtherPhotos if
// one was measured on other photos; what they have in common, to the bit, is no worse, and its figures are inherited. A
// tolerance below 0 promotes in any case, and so is a version that was promoted before: that takes promotions back.
func (r *Registry) Promote(ctx context.Context, version string, tolerance float64) (Promotion, error) {
	if math.IsNaN(tolerance) {
		return Promotion{}, errors.New("the tolerance is not a number: nothing would be worse")
	}
	full, err := r.Resolve(ctx, version)
	if err != nil {
		return Promotion{}, err
	}
	m, err := r.withParts(ctx, full)
	if err != nil {
		return Promotion{}, err
	}
	history, err := r.Promoted(ctx)
	if err != nil {
		return Promotion{}, err
	}
	p, inherits := Promotion{Manifest: m}, false
	if tolerance >= 0 && !slices.Contains(history, m.Version) {
		if inherits, err = r.compare(ctx, &p, history, tolerance); err != nil {
			return Promotion{}, err
		}
	}
	if _, err := r.weights(ctx, m); err != nil { // whole, before anybody is sent to it, whatever the cache has
		return Promotion{}, err
	}
	if inherits { // so that the next one is compared with them, too
		text, err := p.text()
		if err != nil {
			return Promotion{}, err
		}
		if err := r.bucket.Put(ctx, key(m.Version, manifestName), bytes.NewReader(text)); err != nil {
			return Promotion{}, err
		}
	}
	if len(history) > 0 && history[0] == m.Version {
		return p, nil
	}
	const kept = 100
	history = append([]string{m.Version}, history...)
	text := strings.Join(history[:min(len(history), kept)], "\n") + "\n"
	return p, r.bucket.Put(ctx, promotedKey, strings.NewReader(text))
}

// compare looks for what stands against a promotion, and says whether the version has inherited figures on the way.
func (r *Registry) compare(ctx context.Context, p *Promotion, history []string, tolerance float64) (inherits bool, err error) {
	against := func(role, version string) error {
		old, err := r.withParts(ctx, version)
		if isBad(err) {
			return fmt.Errorf("version %s cannot be compared with %s: %w; kleid models promote --force compares with none", p.Version, role, err)
		}
		if err != nil {
			return err
		}
		role += ", " + old.Version
		if old.Embeds && !p.Embeds || old.Locates && !p.Locates {
			return fmt.Errorf("version %s is %w %s: it lacks the embeddings, or the location, that an index is made with", p.Version, ErrWorse, role)
		}
		if gone := facetsGone(old.Facets, p.Facets); len(gone) > 0 {
			return fmt.Errorf("version %s is %w %s: it lacks facets that shops filter by: %s; train it from that one, or kleid models promote --force", p.Version, ErrWorse, role, strings.Join(gone, ", "))
		}
		inherits = p.inherit(old) || inherits
		c := p.Manifest.compare(old, tolerance)
		switch {
		case len(c.worse) > 0:
			return fmt.Errorf("version %s is %w %s: %s", p.Version, ErrWorse, role, strings.Join(c.worse, ", "))
		case len(c.missing) > 0:
			return fmt.Errorf("version %s is %w %s: push it again with the figures %s", p.Version, ErrNotMeasured, role, strings.Join(c.missing, ", "))
		case len(c.elsewhere) > 0:
			return fmt.Errorf("version %s is %w %s: figures of other photos, or of other labels of them, cannot be compared: %s; measure both on the same ones (kleid evaluate … --json) and push both again with these figures", p.Version, ErrOtherPhotos, role, strings.Join(families(c.elsewhere), ", "))
		case len(c.unsure) > 0:
			p.Warnings = append(p.Warnings, fmt.Sprintf("it is not known whether these figures were measured on the same photos as those of %s, since not all of them say on which: %s", role, strings.Join(families(c.unsure), ", ")))
		}
		return nil
	}
	if len(history) > 0 {
		if err := against("the promoted one", history[0]); err != nil {
			return inherits, err
		}
	}
	if p.Parent == "" || len(history) > 0 && history[0] == p.Parent {
		return inherits, nil
	}
	return inherits, against("its parent", p.Parent)
}
