// Verifies a log of ours with golang.org/x/mod/sumdb, which is not ours.
//
//	main FOLDER LOG-KEY [WITNESS-KEY...]
//
// FOLDER is laid out as the log is served: checkpoint, tile/<L>/<N>[.p/<W>] and
// tile/entries/<N>[.p/<W>]. It may further hold
//
//	older/*            checkpoints of smaller sizes: each must be the log's past
//	proofs/*           tlog-proof files: each must place the log's entry of its index
//	requests/*         add-checkpoint bodies: each must lead from its old size to its checkpoint
//
// Every hash is read from the tiles by tlog.TileHashReader, which checks them against the signed
// root. Says in one line of JSON what was verified; on the first fault it says which, and fails.
package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: main FOLDER LOG-KEY [WITNESS-KEY...]")
		os.Exit(2)
	}
	verified, err := verify(os.Args[1], os.Args[2], os.Args[3:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(verified)
}

type log struct {
	folder    string
	origin    string
	verifiers note.Verifiers
	head      tlog.Tree
	hashes    tlog.HashReader
	leaves    []tlog.Hash
}

func verify(folder, logKey string, witnessKeys []string) (map[string]int64, error) {
	own, err := note.NewVerifier(logKey)
	if err != nil {
		return nil, fmt.Errorf("the log's key: %w", err)
	}
	keys := []note.Verifier{own}
	for _, text := range witnessKeys {
		key, err := newCosigner(text)
		if err != nil {
			return nil, fmt.Errorf("a witness's key: %w", err)
		}
		keys = append(keys, key)
	}
	l := &log{folder: folder, origin: own.Name(), verifiers: note.VerifierList(keys...)}
	content, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return nil, err
	}
	head, cosignatures, err := l.open(content)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	l.head = head
	l.hashes = tlog.TileHashReader(head, tiles{folder})
	if err := l.checkEntries(); err != nil {
		return nil, err
	}
	verified := map[string]int64{"size": head.N, "cosignatures": int64(cosignatures)}
	for kind, check := range map[string]func([]byte) error{
		"older": l.checkOlder, "proofs": l.checkProof, "requests": l.checkRequest,
	} {
		files, err := filepath.Glob(filepath.Join(folder, kind, "*"))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err == nil {
				err = check(content)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
		}
		verified[kind] = int64(len(files))
	}
	return verified, nil
}

// open verifies a checkpoint, and returns its head and how many witnesses cosigned it.
func (l *log) open(content []byte) (tlog.Tree, int, error) {
	opened, err := note.Open(content, l.verifiers)
	if err != nil {
		return tlog.Tree{}, 0, err
	}
	signed := false
	for _, signature := range opened.Sigs {
		signed = signed || signature.Name == l.origin
	}
	lines := strings.Split(opened.Text, "\n")
	if !signed || len(lines) != 4 || lines[0] != l.origin || lines[3] != "" {
		return tlog.Tree{}, 0, fmt.Errorf("not a checkpoint of %s", l.origin)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || strconv.FormatInt(size, 10) != lines[1] {
		return tlog.Tree{}, 0, fmt.Errorf("no size: %q", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, len(opened.Sigs) - 1, err
}

// checkEntries reads every entry and proves that it is in the tree at its number.
func (l *log) checkEntries() error {
	for first := int64(0); first < l.head.N; first += 1 << tileHeight {
		width := min(l.head.N-first, 1<<tileHeight)
		path := tilePath(tlog.Tile{H: tileHeight, L: -1, N: first >> tileHeight, W: int(width)})
		content, err := os.ReadFile(filepath.Join(l.folder, path))
		if err != nil {
			return err
		}
		for number := first; number < first+width; number++ {
			if len(content) < 2 || len(content) < 2+int(binary.BigEndian.Uint16(content)) {
				return fmt.Errorf("%s ends too early", path)
			}
			length := 2 + int(binary.BigEndian.Uint16(content))
			leaf := tlog.RecordHash(content[2:length])
			content = content[length:]
			proof, err := tlog.ProveRecord(l.head.N, number, l.hashes)
			if err == nil {
				err = tlog.CheckRecord(proof, l.head.N, l.head.Hash, number, leaf)
			}
			if err != nil {
				return fmt.Errorf("entry %d: %w", number, err)
			}
			l.leaves = append(l.leaves, leaf)
		}
		if len(content) != 0 {
			return fmt.Errorf("%s goes on too long", path)
		}
	}
	return nil
}

func (l *log) checkOlder(content []byte) error {
	old, _, err := l.open(content)
	if err != nil {
		return err
	}
	proof, err := tlog.ProveTree(l.head.N, old.N, l.hashes)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, l.head.N, l.head.Hash, old.N, old.Hash)
}

func (l *log) checkProof(content []byte) error {
	lines, head, err := l.split(content)
	if err != nil {
		return err
	}
	if len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return fmt.Errorf("not a tlog-proof")
	}
	lines = lines[1:]
	if strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "index "), 10, 64)
	if err != nil || index >= int64(len(l.leaves)) {
		return fmt.Errorf("no entry of that index")
	}
	proof, err := parseHashes(lines[1:])
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, head.N, head.Hash, index, l.leaves[index])
}

func (l *log) checkRequest(content []byte) error {
	lines, head, err := l.split(content)
	if err != nil {
		return err
	}
	size, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "old "), 10, 64)
	if err != nil {
		return err
	}
	old, err := tlog.TreeHash(size, l.hashes)
	if err != nil {
		return err
	}
	proof, err := parseHashes(lines[1:])
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, head.N, head.Hash, size, old)
}

// split returns the lines before the checkpoint that ends content, and the checkpoint's head.
func (l *log) split(content []byte) ([]string, tlog.Tree, error) {
	before, checkpoint, _ := bytes.Cut(content, []byte("\n\n"))
	head, _, err := l.open(checkpoint)
	return strings.Split(string(before), "\n"), head, err
}

func parseHashes(lines []string) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, hash)
	}
	return hashes, nil
}

// tiles reads tiles from a folder, for tlog.TileHashReader.
type tiles struct{ folder string }

func (t tiles) Height() int { return tileHeight }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var contents [][]byte
	for _, tile := range wanted {
		content, err := os.ReadFile(filepath.Join(t.folder, tilePath(tile)))
		if err != nil {
			return nil, err
		}
		if len(content) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes", tilePath(tile), len(content))
		}
		contents = append(contents, content)
	}
	return contents, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// tilePath is the C2SP path of a tile: sumdb's own has the height in it, and calls entries data.
func tilePath(tile tlog.Tile) string {
	path := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight))
	return "tile/" + strings.Replace(path, "data/", "entries/", 1)
}

// cosigner verifies cosignature/v1 lines (C2SP tlog-cosignature), which sumdb/note does not know.
type cosigner struct {
	name   string
	hash   uint32
	public ed25519.PublicKey
}

func newCosigner(text string) (*cosigner, error) {
	parts := strings.SplitN(text, "+", 3)
	if len(parts) != 3 {
		return nil, fmt.Errorf("malformed: %q", text)
	}
	hash, err := strconv.ParseUint(parts[1], 16, 32)
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil {
		return nil, err
	}
	if len(key) != 1+ed25519.PublicKeySize || key[0] != 4 {
		return nil, fmt.Errorf("not of type 04: %q", text)
	}
	return &cosigner{parts[0], uint32(hash), key[1:]}, nil
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }

func (c *cosigner) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	time := binary.BigEndian.Uint64(signature)
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", time, text)
	return ed25519.Verify(c.public, []byte(message), signature[8:])
}
