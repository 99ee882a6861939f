// A witness by C2SP tlog-witness that has nothing of ours: trees and their proofs by
// golang.org/x/mod/sumdb, all else by the standard library. It keeps what it has seen in
// memory.
//
//	witness NAME LOG-KEY
//
// It prints its key and the address where it listens, and ends with its input.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// algorithm is the type of Ed25519 cosigners' keys.
const algorithm = 4

type witness struct {
	mutex sync.Mutex
	name  string
	key   ed25519.PrivateKey
	log   note.Verifier
	seen  tlog.Tree
}

func main() {
	log, err := note.NewVerifier(os.Args[2])
	check(err)
	public, key, err := ed25519.GenerateKey(rand.Reader)
	check(err)
	w := &witness{name: os.Args[1], key: key, log: log}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	encoded := append([]byte{algorithm}, public...)
	text := base64.StdEncoding.EncodeToString(encoded)
	fmt.Printf("%s+%08x+%s\n%s\n", w.name, w.keyID(), text, listener.Addr())
	http.HandleFunc("/submit/add-checkpoint", w.addCheckpoint)
	go http.Serve(listener, nil)
	io.Copy(io.Discard, os.Stdin)
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func (w *witness) keyID() uint32 {
	hash := sha256.New()
	fmt.Fprintf(hash, "%s\n%c%s", w.name, algorithm, w.key.Public())
	return binary.BigEndian.Uint32(hash.Sum(nil))
}

func (w *witness) addCheckpoint(out http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(io.LimitReader(request.Body, 1<<20))
	if err != nil || request.Method != "POST" {
		out.WriteHeader(400)
		return
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	status, line := w.judge(string(body))
	if status == 409 {
		out.Header().Set("Content-Type", "text/x.tlog.size")
		line = fmt.Sprintf("%d\n", w.seen.N)
	}
	out.WriteHeader(status)
	io.WriteString(out, line)
}

// judge answers a status, and a signature line where it is 200.
func (w *witness) judge(body string) (int, string) {
	head, signed, found := strings.Cut(body, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || !strings.HasPrefix(lines[0], "old ") || len(lines) > 64 {
		return 400, ""
	}
	old, err := strconv.ParseInt(lines[0][4:], 10, 64)
	if err != nil || strconv.FormatInt(old, 10) != lines[0][4:] || old < 0 {
		return 400, ""
	}
	var proof tlog.TreeProof
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return 400, ""
		}
		proof = append(proof, hash)
	}
	if origin, _, _ := strings.Cut(signed, "\n"); origin != w.log.Name() {
		return 404, ""
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(w.log))
	if err != nil {
		return 403, ""
	}
	tree, err := parse(opened.Text)
	if err != nil || old > tree.N {
		return 400, ""
	}
	if old != w.seen.N {
		return 409, ""
	}
	if old == tree.N && old != 0 && tree.Hash != w.seen.Hash {
		return 409, ""
	}
	if !extends(proof, tree, w.seen) {
		return 422, ""
	}
	w.seen = tree
	return 200, w.cosign(opened.Text)
}

func parse(text string) (tlog.Tree, error) {
	var tree tlog.Tree
	lines := strings.Split(text, "\n")
	if len(lines) < 4 {
		return tree, fmt.Errorf("not a checkpoint")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 {
		return tree, fmt.Errorf("not a size")
	}
	hash, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: hash}, err
}

func extends(proof tlog.TreeProof, tree, old tlog.Tree) bool {
	if old.N == 0 {
		return len(proof) == 0
	}
	return tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash) == nil
}

// cosign makes a line as tlog-cosignature says.
func (w *witness) cosign(text string) string {
	now := time.Now().Unix()
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", now, text)
	var signature bytes.Buffer
	binary.Write(&signature, binary.BigEndian, w.keyID())
	binary.Write(&signature, binary.BigEndian, now)
	signature.Write(ed25519.Sign(w.key, []byte(message)))
	encoded := base64.StdEncoding.EncodeToString(signature.Bytes())
	return fmt.Sprintf("\u2014 %s %s\n", w.name, encoded)
}
