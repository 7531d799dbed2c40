package api

import (
	"context"

	"github.com/cockroachdb/errors"
)

func (s *Server) webhookRoutes(post func(string, writeHandler), get func(string, readHandler)) {}

func (s *Server) endpointAt(ctx context.Context, r *writeRequest, stream string, version int) (any, int64, error) {
	return nil, 0, errors.AssertionFailedf("stream %s has no public object", stream)
}
