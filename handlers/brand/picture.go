package brand

import (
	"bytes"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"
	"sync"

	"github.com/cockroachdb/errors"

	"tender/domain/logo"
)

// Limits of a picture that is given us, judged before it is decoded.
const (
	// FileBytesMax is how large the file may be.
	FileBytesMax = 1 << 20
	sideMax      = 4096    // pixels
	pixelsMax    = 4 << 20 // 32 MiB at the most that a pixel takes when decoded
)

// ErrPicture marks a file that can't become a logo; its text says why, to people.
var ErrPicture = errors.New("not fit for a logo")

func unfit(format string, args ...any) error {
	return errors.Mark(errors.Newf(format, args...), ErrPicture)
}

// Picture is what the checkout can show: our own encoding of a picture's pixels.
type Picture struct {
	PNG           []byte
	Width, Height int
	// OnDark: what can be seen of it is pale, and what is around that is transparent.
	OnDark bool
}

// decoding lets one picture at a time be decoded: what a small file may unfold to is
// bounded for the whole process, not for each request.
var decoding sync.Mutex

// Prepare makes a logo of a file: PNG or JPEG, which is seen from its content alone.
// It is scaled down to what a logo may measure and encoded anew, so that nothing of
// the file is left but its pixels: no metadata, no trailing bytes, no second meaning.
// An Exif orientation is not obeyed, and of an animation the first picture is taken.
// What is wrong with the file is marked [ErrPicture].
func Prepare(file []byte) (Picture, error) {
	if len(file) > FileBytesMax {
		return Picture{}, unfit("The file has more than %d bytes.", FileBytesMax)
	}
	config, decode, err := look(file)
	if err != nil {
		return Picture{}, err
	}
	switch {
	case config.Width < 1 || config.Height < 1:
		return Picture{}, unfit("The picture has no pixels.")
	case config.Width > sideMax || config.Height > sideMax || config.Width*config.Height > pixelsMax:
		return Picture{}, unfit("The picture measures %d by %d pixels; at most are %d on a side and %d in all.", config.Width, config.Height, sideMax, pixelsMax)
	}
	decoding.Lock()
	defer decoding.Unlock()
	decoded, err := decode(bytes.NewReader(file))
	if err != nil {
		return Picture{}, unfit("The picture is damaged: it can't be decoded to its end.")
	}
	return encode(premultiplied(decoded))
}

type decoder = func(*bytes.Reader) (image.Image, error)

// look tells what a file is by what it begins with, and how large a picture it says
// that it holds.
func look(file []byte) (image.Config, decoder, error) {
	switch {
	case bytes.HasPrefix(file, []byte("\x89PNG\r\n\x1a\n")):
		config, err := png.DecodeConfig(bytes.NewReader(file))
		return config, func(r *bytes.Reader) (image.Image, error) { return png.Decode(r) }, damaged(err)
	case bytes.HasPrefix(file, []byte("\xff\xd8\xff")):
		config, err := jpeg.DecodeConfig(bytes.NewReader(file))
		return config, func(r *bytes.Reader) (image.Image, error) { return jpeg.Decode(r) }, damaged(err)
	}
	return image.Config{}, nil, unfit("The file is neither PNG nor JPEG. Its name and its media type don't matter, its content does.")
}

func damaged(err error) error {
	if err == nil {
		return nil
	}
	return unfit("The picture is damaged: what it measures can't be read.")
}

// encode scales a picture down until it fits, in pixels and as bytes.
func encode(source *image.RGBA) (Picture, error) {
	width, height := fit(source.Rect.Dx(), source.Rect.Dy())
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	for {
		small := scale(source, width, height)
		var out bytes.Buffer
		if err := encoder.Encode(&out, small); err != nil {
			return Picture{}, errors.Wrap(err, "encode a logo")
		}
		if out.Len() <= logo.BytesMax {
			return Picture{PNG: out.Bytes(), Width: width, Height: height, OnDark: pale(small)}, nil
		}
		// A picture full of noise: fewer pixels are fewer bytes. It ends, because a
		// single pixel fits.
		width, height = max(width*4/5, 1), max(height*4/5, 1)
	}
}

// fit is the largest size with these proportions that a logo may have; a smaller
// picture keeps its own.
func fit(width, height int) (int, int) {
	if width > logo.WidthMax {
		width, height = logo.WidthMax, max((height*logo.WidthMax+width/2)/width, 1)
	}
	if height > logo.HeightMax {
		width, height = max((width*logo.HeightMax+height/2)/height, 1), logo.HeightMax
	}
	return width, height
}

// premultiplied is a picture as red, green and blue that are multiplied with alpha,
// which is how they can be averaged.
func premultiplied(p image.Image) *image.RGBA {
	if rgba, ok := p.(*image.RGBA); ok && rgba.Rect.Min == (image.Point{}) {
		return rgba
	}
	b := p.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(out, out.Rect, p, b.Min, draw.Src)
	return out
}

// scale makes each pixel the mean of the area that it stands for.
func scale(source *image.RGBA, width, height int) *image.RGBA {
	if source.Rect.Dx() == width && source.Rect.Dy() == height {
		return source
	}
	out := image.NewRGBA(image.Rect(0, 0, width, height))
	across := shares(source.Rect.Dx(), width)
	down := shares(source.Rect.Dy(), height)
	for y := range height {
		for x := range width {
			var sum [4]float64
			for _, row := range down[y] {
				for _, column := range across[x] {
					at := source.PixOffset(column.index, row.index)
					for i := range sum {
						sum[i] += float64(source.Pix[at+i]) * row.share * column.share
					}
				}
			}
			at := out.PixOffset(x, y)
			for i := range sum {
				out.Pix[at+i] = uint8(min(sum[i]+.5, 255))
			}
		}
	}
	return out
}

// share is how much of a pixel of the source goes into one of the result.
type share struct {
	index int
	share float64
}

// shares divides from pixels among to, fewer or as many, along one side.
func shares(from, to int) [][]share {
	if to > from {
		panic(fmt.Sprintf("brand: scaling %d pixels up to %d", from, to))
	}
	all := make([][]share, to)
	length := float64(from) / float64(to)
	for i := range all {
		begin, end := float64(i)*length, float64(i+1)*length
		for j := int(begin); j < from && float64(j) < end; j++ {
			part := min(end, float64(j+1)) - max(begin, float64(j))
			all[i] = append(all[i], share{j, part / length})
		}
	}
	return all
}

// Limits by which a logo is found to be made for a dark ground, of 255.
const (
	visibleMin = 64  // the alpha from which a pixel is seen
	paleMin    = 190 // the mean brightness of what is seen
)

// pale reports whether a picture is transparent in part, and pale where it is not.
func pale(p *image.RGBA) bool {
	var seen, clear, light float64
	for at := 0; at < len(p.Pix); at += 4 {
		alpha := float64(p.Pix[at+3])
		if alpha < visibleMin {
			clear++
			continue
		}
		seen++
		light += (.2126*float64(p.Pix[at]) + .7152*float64(p.Pix[at+1]) + .0722*float64(p.Pix[at+2])) * 255 / alpha
	}
	return clear > 0 && seen > 0 && light/seen >= paleMin
}
