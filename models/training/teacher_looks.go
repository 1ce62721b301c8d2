package training

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/gob"
	"fmt"
	"io"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/storage"
)

// looksKey names what a teacher sees of the pool's photos.
func (p *Pool) looksKey(teacher Teacher) string {
	network := models.Model{Weights: models.Weights{}}
	network.Weights.Merge("trunk.", teacher.Weights)
	hash := sha256.New()
	fmt.Fprintln(hash, network.EmbeddingModel(), teacher.Components, teacherSizes)
	for _, w := range p.Wholes {
		fmt.Fprintln(hash, w.Image.Width, w.Image.Height)
		hash.Write(w.Image.Pix)
	}
	return fmt.Sprintf("stages/teacher-%x.gob", hash.Sum(nil)[:6])
}

// keepLooks writes the deviations and then the maps of each photo, as a stream, since together they are large.
func (p *Pool) keepLooks(ctx context.Context, bucket storage.Bucket, key string) error {
	reader, writer := io.Pipe()
	go func() {
		buffered := bufio.NewWriterSize(writer, 1<<20)
		encoder := gob.NewEncoder(buffered)
		err := encoder.Encode(p.teacherDeviations)
		for i := 0; i < len(p.Wholes) && err == nil; i++ {
			err = encoder.Encode(p.Wholes[i].maps)
		}
		if err == nil {
			err = buffered.Flush()
		}
		writer.CloseWithError(err)
	}()
	err := bucket.Put(ctx, key, reader)
	reader.CloseWithError(err) // which ends the other side, where it still writes
	return err
}

// readLooks reads what keepLooks has written.
func (p *Pool) readLooks(ctx context.Context, bucket storage.Bucket, key string) error {
	reader, err := bucket.Get(ctx, key)
	if err != nil {
		return err
	}
	defer reader.Close()
	decoder := gob.NewDecoder(bufio.NewReaderSize(reader, 1<<20))
	damaged := func(err error) error {
		return fmt.Errorf("%s: %w; delete it, and the teacher looks again", key, err)
	}
	var deviations []float32
	if err := decoder.Decode(&deviations); err != nil {
		return damaged(err)
	}
	maps := make([][]featureMap, len(p.Wholes))
	for i := range maps {
		if err := decoder.Decode(&maps[i]); err != nil {
			return damaged(err)
		}
	}
	p.teacherDeviations = deviations
	for i := range maps {
		p.Wholes[i].maps = maps[i]
	}
	return nil
}
