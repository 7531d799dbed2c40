package brand

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/errors"

	"tender/domain/logo"
)

// plain is a picture of one colour.
func plain(width, height int, c color.Color) *image.NRGBA {
	p := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			p.Set(x, y, c)
		}
	}
	return p
}

// noise is a picture that hardly any compression makes smaller.
func noise(width, height int) *image.NRGBA {
	p := image.NewNRGBA(image.Rect(0, 0, width, height))
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(p.Pix)
	return p
}

func pngOf(t testing.TB, p image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, p); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func jpegOf(t testing.TB, p image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, p, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// claims is a PNG that says it measures so much, and holds hardly anything.
func claims(t testing.TB, width, height uint32) []byte {
	t.Helper()
	file := pngOf(t, plain(1, 1, color.White))
	binary.BigEndian.PutUint32(file[16:], width)
	binary.BigEndian.PutUint32(file[20:], height)
	binary.BigEndian.PutUint32(file[29:], crc32.ChecksumIEEE(file[12:29]))
	return file
}

// withChunk is a PNG with a chunk of text before its pixels.
func withChunk(t testing.TB, text string) []byte {
	t.Helper()
	file := pngOf(t, plain(2, 2, color.White))
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(text)))
	chunk = append(chunk, "tEXt"+text...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	return append(append(bytes.Clone(file[:33]), chunk...), file[33:]...)
}

// check fails the test unless a picture is what the checkout may serve.
func check(t testing.TB, p Picture) image.Image {
	t.Helper()
	decoded, err := png.Decode(bytes.NewReader(p.PNG))
	if err != nil {
		t.Fatalf("what comes out can't be decoded: %v", err)
	}
	size := decoded.Bounds().Size()
	if size.X != p.Width || size.Y != p.Height || size.X < 1 || size.Y < 1 || size.X > logo.WidthMax || size.Y > logo.HeightMax || len(p.PNG) > logo.BytesMax {
		t.Fatalf("what comes out measures %v, not %d by %d, with %d bytes", size, p.Width, p.Height, len(p.PNG))
	}
	for rest := p.PNG[8:]; len(rest) > 0; {
		length, kind := binary.BigEndian.Uint32(rest), string(rest[4:8])
		if kind != "IHDR" && kind != "IDAT" && kind != "IEND" {
			t.Fatalf("what comes out has a chunk %s", kind)
		}
		rest = rest[12+length:]
	}
	return decoded
}

func TestPrepare(t *testing.T) {
	t.Parallel()
	red := color.NRGBA{200, 30, 30, 255}
	for name, c := range map[string]struct {
		file          []byte
		width, height int
	}{
		"small stays":           {pngOf(t, plain(30, 20, red)), 30, 20},
		"as large as it may be": {pngOf(t, plain(400, 160, red)), 400, 160},
		"wide":                  {pngOf(t, plain(2000, 100, red)), 400, 20},
		"high":                  {pngOf(t, plain(100, 2000, red)), 8, 160},
		"both":                  {pngOf(t, plain(1000, 1000, red)), 160, 160},
		"one line":              {pngOf(t, plain(4096, 1, red)), 400, 1},
		"one column":            {pngOf(t, plain(1, 4096, red)), 1, 160},
		"the most pixels":       {pngOf(t, plain(2048, 2048, red)), 160, 160},
		"JPEG":                  {jpegOf(t, plain(801, 327, red)), 393, 160},
		"JPEG in grey":          {jpegOf(t, image.NewGray(image.Rect(0, 0, 20, 10))), 20, 10},
		"16 bits":               {pngOf(t, image.NewNRGBA64(image.Rect(0, 0, 20, 10))), 20, 10},
		"a palette":             {pngOf(t, image.NewPaletted(image.Rect(0, 0, 20, 10), color.Palette{red, color.White})), 20, 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Prepare(c.file)
			if err != nil {
				t.Fatalf("it is refused: %v", err)
			}
			check(t, got)
			if got.Width != c.width || got.Height != c.height {
				t.Errorf("it measures %d by %d, not %d by %d", got.Width, got.Height, c.width, c.height)
			}
		})
	}
}

// A picture of noise loses pixels until it fits.
func TestNoiseIsMadeToFit(t *testing.T) {
	t.Parallel()
	got, err := Prepare(pngOf(t, noise(400, 160)))
	if err != nil {
		t.Fatal(err)
	}
	check(t, got)
	if got.Width >= 400 || got.Width < 60 {
		t.Errorf("it is %d pixels wide", got.Width)
	}
}

// Colours and transparency survive scaling: transparent pixels don't darken the edges
// of what lies beside them.
func TestScalingKeepsColours(t *testing.T) {
	t.Parallel()
	orange := color.NRGBA{250, 140, 10, 255}
	p := plain(1600, 640, orange)
	for y := range 640 {
		for x := range 802 {
			p.Set(x, y, color.NRGBA{})
		}
	}
	got, err := Prepare(pngOf(t, p))
	if err != nil {
		t.Fatal(err)
	}
	decoded := check(t, got)
	for x, want := range map[int]color.NRGBA{0: {}, 199: {}, 200: {250, 140, 10, 127}, 201: orange, 399: orange} {
		have := color.NRGBAModel.Convert(decoded.At(x, 80)).(color.NRGBA)
		if far(have.R, want.R) || far(have.G, want.G) || far(have.B, want.B) || far(have.A, want.A) {
			t.Errorf("column %d is %v, not %v", x, have, want)
		}
	}
}

func far(a, b uint8) bool { return max(a, b)-min(a, b) > 2 }

// Nothing of a file survives but its pixels: neither metadata nor what hangs on it.
func TestNothingSurvivesButPixels(t *testing.T) {
	t.Parallel()
	const secret = "<script>alert(1)</script>"
	exif := jpegOf(t, plain(2, 2, color.White))
	exif = append(append(bytes.Clone(exif[:2]), "\xff\xe1\x00\x1b"+secret...), exif[2:]...)
	for name, file := range map[string][]byte{
		"a chunk of text":    withChunk(t, "Comment\x00"+secret),
		"HTML behind a PNG":  append(pngOf(t, plain(2, 2, color.White)), secret...),
		"HTML behind a JPEG": append(jpegOf(t, plain(2, 2, color.White)), secret...),
		"HTML in Exif":       exif,
	} {
		got, err := Prepare(file)
		if err != nil {
			t.Errorf("%s: it is refused: %v", name, err)
			continue
		}
		check(t, got)
		if bytes.Contains(got.PNG, []byte("script")) {
			t.Errorf("%s: it survives", name)
		}
	}
}

func TestHostileFilesAreRefused(t *testing.T) {
	t.Parallel()
	good := pngOf(t, noise(40, 40))
	photo := jpegOf(t, noise(40, 40))
	flipped := bytes.Clone(good)
	flipped[len(flipped)/2] ^= 0xff
	var animation bytes.Buffer
	if err := gif.Encode(&animation, image.NewPaletted(image.Rect(0, 0, 2, 2), color.Palette{color.White}), nil); err != nil {
		t.Fatal(err)
	}
	const kind, damage, size = "neither PNG nor JPEG", "damaged", "pixels; at most"
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"nothing":               {nil, kind},
		"text":                  {[]byte("logo"), kind},
		"SVG":                   {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), kind},
		"HTML with a PNG in it": {append([]byte("<html>"), good...), kind},
		"GIF":                   {animation.Bytes(), kind},
		"a zip archive":         {[]byte("PK\x03\x04"), kind},
		"a PNG's first bytes":   {good[:8], damage},
		"half a header":         {good[:20], damage},
		"half a PNG":            {good[:len(good)/2], damage},
		"a PNG without its end": {good[:len(good)-13], damage},
		"a flipped byte":        {flipped, damage},
		"half a JPEG":           {photo[:len(photo)/2], damage},
		"a JPEG's first bytes":  {photo[:3], damage},
		"huge":                  {claims(t, 100_000, 100_000), size},
		"beyond counting":       {claims(t, 1<<31-1, 1<<31-1), damage},
		"too wide":              {claims(t, 4097, 1), size},
		"too high":              {claims(t, 1, 4097), size},
		"too many pixels":       {claims(t, 2049, 2048), size},
		"pixels that are not":   {claims(t, 2048, 2048), damage},
		"no pixels":             {claims(t, 0, 0), damage},
		"too many bytes":        {append(bytes.Clone(good), make([]byte, FileBytesMax)...), "more than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Prepare(c.file)
			if !errors.Is(err, ErrPicture) || !strings.Contains(err.Error(), c.want) || !strings.HasSuffix(err.Error(), ".") {
				t.Errorf("the answer is %v, not %q", err, c.want)
			}
		})
	}
}

func TestPaleLogosAreFound(t *testing.T) {
	t.Parallel()
	spot := func(c color.Color) image.Image {
		p := plain(20, 20, color.NRGBA{})
		for i := range 10 {
			p.Set(i, i, c)
		}
		return p
	}
	for name, c := range map[string]struct {
		picture image.Image
		want    bool
	}{
		"white on nothing":      {spot(color.White), true},
		"yellow on nothing":     {spot(color.NRGBA{255, 230, 60, 255}), true},
		"black on nothing":      {spot(color.Black), false},
		"red on nothing":        {spot(color.NRGBA{200, 30, 30, 255}), false},
		"white on white":        {plain(20, 20, color.White), false},
		"nothing":               {plain(20, 20, color.NRGBA{}), false},
		"half-transparent grey": {spot(color.NRGBA{250, 250, 250, 128}), true},
	} {
		got, err := Prepare(pngOf(t, c.picture))
		if err != nil || got.OnDark != c.want {
			t.Errorf("%s: for a dark ground: %t, %v", name, got.OnDark, err)
		}
	}
}

// Whatever is sent, it is refused in a sentence, or something small and clean comes out.
func FuzzPrepare(f *testing.F) {
	f.Add(pngOf(f, noise(20, 10)))
	f.Add(jpegOf(f, noise(20, 10)))
	f.Add(pngOf(f, plain(500, 3, color.White)))
	f.Add(pngOf(f, image.NewPaletted(image.Rect(0, 0, 9, 9), color.Palette{color.White, color.Transparent})))
	f.Add(claims(f, 1<<31, 1<<31))
	f.Add(withChunk(f, "Comment\x00x"))
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := Prepare(file)
		if err == nil {
			check(t, got)
			return
		}
		if !errors.Is(err, ErrPicture) {
			t.Fatalf("it fails: %+v", err)
		}
	})
}
