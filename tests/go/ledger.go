// Checks a published ledger and proofs from it with golang.org/x/mod/sumdb, which
// has nothing of ours: signed notes, RFC 6962 trees and proofs.
//
//	ledger KEY
//
// Each line read is `ledger <folder>` or `proof <file>`; each is answered with a
// line, `ok ...` or `flaw ...`.
package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height = 8
	width  = 1 << height
)

func main() {
	verifier, err := note.NewVerifier(os.Args[1])
	if err != nil {
		panic(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		what, place, _ := strings.Cut(lines.Text(), " ")
		var found int64
		if what == "proof" {
			found, err = checkProof(place, verifier)
		} else {
			found, err = checkLedger(place, verifier)
		}
		if err != nil {
			fmt.Println("flaw", strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Println("ok", found)
		}
	}
}

// checkpoint opens a checkpoint that the key signed.
func checkpoint(text []byte, verifier note.Verifier) (tlog.Tree, error) {
	var tree tlog.Tree
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tree, err
	}
	// The package reads some signatures in more than one spelling.
	for _, signature := range append(opened.Sigs, opened.UnverifiedSigs...) {
		if _, err := base64.StdEncoding.Strict().DecodeString(signature.Base64); err != nil {
			return tree, err
		}
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return tree, errors.New("not a checkpoint of the ledger")
	}
	tree.N, err = strconv.ParseInt(lines[1], 10, 64)
	if err != nil || tree.N < 0 || strconv.FormatInt(tree.N, 10) != lines[1] {
		return tree, errors.New("not a size")
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	if err == nil && tree.Hash.String() != lines[2] {
		err = errors.New("not a root")
	}
	return tree, err
}

// hashes are the stored hashes of a tree held in memory.
type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(h)) {
			return nil, errors.New("beyond the tree")
		}
		found[i] = h[index]
	}
	return found, nil
}

// tiles reads the ledger's own tiles, for proofs made of them.
type tiles struct{ folder string }

func (t tiles) Height() int                     { return height }
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (t tiles) ReadTiles(of []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(of))
	for i, tile := range of {
		data, _, err := readTile(t.folder, strconv.Itoa(tile.L), tile.N, tile.W)
		if err != nil {
			return nil, err
		}
		if len(data) < tile.W*tlog.HashSize {
			return nil, errors.New("a tile is too short")
		}
		found[i] = data[:tile.W*tlog.HashSize]
	}
	return found, nil
}

func tilePath(kind string, number int64) string {
	path := fmt.Sprintf("%03d", number%1000)
	for number >= 1000 {
		number /= 1000
		path = fmt.Sprintf("x%03d/%s", number%1000, path)
	}
	return filepath.Join("tile", kind, path)
}

// readTile reads a tile, and says whether it is a partial one.
func readTile(folder, kind string, number int64, wide int) ([]byte, bool, error) {
	path := filepath.Join(folder, tilePath(kind, number))
	if wide < width {
		data, err := os.ReadFile(fmt.Sprintf("%s.p/%d", path, wide))
		if err == nil {
			return data, true, nil
		}
	}
	data, err := os.ReadFile(path)
	return data, false, err
}

// partials compares the narrower forms of a tile with its beginnings.
func partials(folder, kind string, number int64, wide int, expected func(int) []byte) error {
	below := filepath.Join(folder, tilePath(kind, number)+".p")
	names, err := canonical(below)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == 0 || name > int64(wide) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(below, strconv.FormatInt(name, 10)))
		if err != nil || !bytes.Equal(data, expected(int(name))) {
			return fmt.Errorf("%s/%d: other than the tile", below, name)
		}
	}
	return nil
}

// canonical lists a folder whose files are named by numbers.
func canonical(folder string) ([]int64, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, nil
	}
	var numbers []int64
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") {
			continue
		}
		number, err := strconv.ParseInt(name, 10, 64)
		if err != nil || strconv.FormatInt(number, 10) != name || number < 0 {
			return nil, fmt.Errorf("%s/%s: no file of a ledger", folder, name)
		}
		numbers = append(numbers, number)
	}
	return numbers, nil
}

// split takes a bundle of entries apart, with the offset after each.
func split(bundle []byte) (entries [][]byte, ends []int, err error) {
	ends = []int{0}
	for at := 0; at < len(bundle); {
		if at+2 > len(bundle) {
			return nil, nil, errors.New("an entry is cut short")
		}
		end := at + 2 + int(binary.BigEndian.Uint16(bundle[at:]))
		if end > len(bundle) {
			return nil, nil, errors.New("an entry is cut short")
		}
		entries = append(entries, bundle[at+2:end])
		ends = append(ends, end)
		at = end
	}
	return entries, ends, nil
}

// prunedBy is the index below which an entry says that entries were pruned.
func prunedBy(index int64, entry []byte) int64 {
	var leaf struct {
		Entry struct {
			Kind   string
			Prunes uint64
		}
	}
	if json.Unmarshal(entry, &leaf) != nil || leaf.Entry.Kind != "pruning" {
		return 0
	}
	if below := leaf.Entry.Prunes; below <= uint64(index) && below%width == 0 {
		return int64(below)
	}
	return 0
}

// readHashes appends the hashes of a bundle that is not there to a tree of our own.
func readHashes(folder string, number int64, stored hashes) (hashes, error) {
	data, _, err := readTile(folder, "0", number, width)
	if err != nil {
		return nil, err
	}
	if len(data) != width*tlog.HashSize {
		return nil, errors.New("another number of hashes")
	}
	for i := int64(0); i < width; i++ {
		var hash tlog.Hash
		copy(hash[:], data[i*tlog.HashSize:])
		more, err := tlog.StoredHashesForRecordHash(number*width+i, hash, stored)
		if err != nil {
			return nil, err
		}
		stored = append(stored, more...)
	}
	return stored, nil
}

// readEntries appends every entry of a ledger to a tree of our own; of those that an entry
// says were pruned the hash.
func readEntries(folder string, size int64) (hashes, error) {
	var stored hashes
	var below, missing int64
	for number := int64(0); number*width < size; number++ {
		wide := width
		if rest := size - number*width; rest < width {
			wide = int(rest)
		}
		bundle, partial, err := readTile(folder, "entries", number, wide)
		if wide == width && errors.Is(err, os.ErrNotExist) {
			if stored, err = readHashes(folder, number, stored); err != nil {
				return nil, err
			}
			missing = (number + 1) * width
			continue
		}
		if err != nil {
			return nil, err
		}
		entries, ends, err := split(bundle)
		if err != nil {
			return nil, err
		}
		if len(entries) < wide || len(entries) > wide && partial {
			return nil, errors.New("another number of entries")
		}
		beginning := func(w int) []byte { return bundle[:ends[w]] }
		if err := partials(folder, "entries", number, wide, beginning); err != nil {
			return nil, err
		}
		for i, entry := range entries[:wide] {
			if said := prunedBy(number*width+int64(i), entry); said > below {
				below = said
			}
			more, err := tlog.StoredHashes(number*width+int64(i), entry, stored)
			if err != nil {
				return nil, err
			}
			stored = append(stored, more...)
		}
	}
	if missing > below {
		return nil, errors.New("entries are missing")
	}
	return stored, nil
}

// treeHash is the root of the first entries. RFC 6962 gives the empty tree a hash
// where older versions of the package do not.
func treeHash(size int64, stored hashes) (tlog.Hash, error) {
	if size == 0 {
		return sha256.Sum256(nil), nil
	}
	return tlog.TreeHash(size, stored)
}

// checkTiles compares every tile with what the entries hash to.
func checkTiles(folder string, size int64, stored hashes) error {
	all := tlog.NewTiles(height, 0, size)
	for i, tile := range all {
		// Every width that a tile ever had is listed; only the last is there still.
		if i+1 < len(all) && all[i+1].L == tile.L && all[i+1].N == tile.N {
			continue
		}
		expected, err := tlog.ReadTileData(tile, stored)
		if err != nil {
			return err
		}
		kind := strconv.Itoa(tile.L)
		data, partial, err := readTile(folder, kind, tile.N, tile.W)
		if err != nil {
			return err
		}
		if !partial && tile.W < width && len(data) > len(expected) {
			data = data[:len(expected)]
		}
		if !bytes.Equal(data, expected) {
			return fmt.Errorf("%s: other hashes", tilePath(kind, tile.N))
		}
		beginning := func(w int) []byte { return expected[:w*tlog.HashSize] }
		if err := partials(folder, kind, tile.N, tile.W, beginning); err != nil {
			return err
		}
	}
	return nil
}

func checkLedger(folder string, verifier note.Verifier) (int64, error) {
	key, err := os.ReadFile(filepath.Join(folder, "verifier"))
	if err == nil && string(key) != os.Args[1]+"\n" {
		return 0, errors.New("verifier: another key")
	}
	kept, err := canonical(filepath.Join(folder, "checkpoints"))
	if err != nil {
		return 0, err
	}
	text, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return 0, err
	}
	tree, err := checkpoint(text, verifier)
	if err != nil {
		return 0, err
	}
	stored, err := readEntries(folder, tree.N)
	if err != nil {
		return 0, err
	}
	if err := checkTiles(folder, tree.N, stored); err != nil {
		return 0, err
	}
	root, err := treeHash(tree.N, stored)
	if err != nil || root != tree.Hash {
		return 0, errors.New("checkpoint: another root")
	}
	for _, size := range kept {
		text, err := os.ReadFile(filepath.Join(folder, "checkpoints", strconv.FormatInt(size, 10)))
		if err != nil {
			return 0, err
		}
		old, err := checkpoint(text, verifier)
		if err != nil {
			return 0, err
		}
		if size > tree.N || old.N != size {
			return 0, fmt.Errorf("checkpoints/%d: rewritten", size)
		}
		root, err := treeHash(size, stored)
		if err != nil || root != old.Hash {
			return 0, fmt.Errorf("checkpoints/%d: rewritten", size)
		}
	}
	return tree.N, checkInclusion(folder, tree, stored)
}

// checkInclusion proves every entry from the ledger's own tiles.
func checkInclusion(folder string, tree tlog.Tree, stored hashes) error {
	reader := tlog.TileHashReader(tree, tiles{folder})
	for index := int64(0); index < tree.N; index++ {
		proof, err := tlog.ProveRecord(tree.N, index, reader)
		if err != nil {
			return err
		}
		leaf := stored[tlog.StoredHashIndex(0, index)]
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf); err != nil {
			return err
		}
	}
	return nil
}

func checkProof(path string, verifier note.Verifier) (int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	head, signed, found := strings.Cut(string(text), "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" ||
		!strings.HasPrefix(lines[1], "extra ") || !strings.HasPrefix(lines[2], "index ") {
		return 0, errors.New("not a proof")
	}
	leaf, err := base64.StdEncoding.Strict().DecodeString(lines[1][len("extra "):])
	if err != nil {
		return 0, err
	}
	index, err := strconv.ParseInt(lines[2][len("index "):], 10, 64)
	if err != nil {
		return 0, err
	}
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return 0, err
		}
		proof = append(proof, hash)
	}
	tree, err := checkpoint([]byte(signed), verifier)
	if err != nil {
		return 0, err
	}
	return index, tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(leaf))
}
