// Command checklog checks a log's folder, and proofs on standard input, with golang.org/x/mod/sumdb only.
//
// Usage: checklog FOLDER < proofs.json
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

// proofs is what the test hands over: hashes and entries in base64.
type proofs struct {
	Inclusion []struct {
		Index int64
		Entry []byte
		Path  [][]byte
	}
	Consistency []struct {
		Size int64
		Root []byte
		Path [][]byte
	}
}

// reader reads tiles from the folder, mapping Go's naming of tiles to that of C2SP tlog-tiles.
type reader struct {
	folder string
}

func (r reader) Height() int                                { return height }
func (r reader) SaveTiles(tiles []tlog.Tile, data [][]byte) {}
func (r reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := os.ReadFile(filepath.Join(r.folder, path(tile)))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// path turns tile/8/0/x001/067.p/8 into tile/0/x001/067.p/8, and data tiles into entry bundles.
func path(tile tlog.Tile) string {
	name := strings.TrimPrefix(tile.Path(), "tile/8/")
	return "tile/" + strings.Replace(name, "data/", "entries/", 1)
}

func main() {
	folder := os.Args[1]
	tree := open(folder)
	var given proofs
	must(json.NewDecoder(os.Stdin).Decode(&given))
	hashes := tlog.TileHashReader(tree, reader{folder})
	checkEntries(folder, tree, hashes)
	for _, p := range given.Inclusion {
		must(tlog.CheckRecord(path2proof(p.Path), tree.N, tree.Hash, p.Index, tlog.RecordHash(p.Entry)))
	}
	for _, p := range given.Consistency {
		must(tlog.CheckTree(tlog.TreeProof(path2proof(p.Path)), tree.N, tree.Hash, p.Size, hash(p.Root)))
	}
	fmt.Printf("%d entries, %d inclusion proofs, %d consistency proofs\n",
		tree.N, len(given.Inclusion), len(given.Consistency))
}

// open verifies the checkpoint with the log's key and returns the tree it names.
func open(folder string) tlog.Tree {
	vkey, err := os.ReadFile(filepath.Join(folder, "vkey"))
	must(err)
	verifier, err := note.NewVerifier(strings.TrimSuffix(string(vkey), "\n"))
	must(err)
	message, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	must(err)
	opened, err := note.Open(message, note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		must(fmt.Errorf("not a checkpoint of this log: %q", opened.Text))
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	must(err)
	return tlog.Tree{N: size, Hash: hash(root)}
}

// checkEntries reads every entry bundle and compares each entry with the authenticated hash of its leaf.
func checkEntries(folder string, tree tlog.Tree, hashes tlog.HashReader) {
	for index := int64(0); index < tree.N; {
		width := tree.N - index
		if width > 1<<height {
			width = 1 << height
		}
		bundle := tlog.Tile{H: height, L: -1, N: index >> height, W: int(width)}
		data, err := os.ReadFile(filepath.Join(folder, path(bundle)))
		must(err)
		var places []int64
		for place := index; place < index+width; place++ {
			places = append(places, tlog.StoredHashIndex(0, place))
		}
		leaves, err := hashes.ReadHashes(places)
		must(err)
		for _, leaf := range leaves {
			size := int(data[0])<<8 | int(data[1])
			entry := data[2 : 2+size]
			data = data[2+size:]
			if leaf != tlog.RecordHash(entry) {
				must(fmt.Errorf("entry %d is not that of the tree", index))
			}
			index++
		}
		if len(data) != 0 {
			must(fmt.Errorf("bytes left over before entry %d", index))
		}
	}
}

func path2proof(path [][]byte) tlog.RecordProof {
	var proof tlog.RecordProof
	for _, h := range path {
		proof = append(proof, hash(h))
	}
	return proof
}

func hash(data []byte) (h tlog.Hash) {
	if copy(h[:], data) != tlog.HashSize || len(data) != tlog.HashSize {
		must(fmt.Errorf("not a hash: %x", data))
	}
	return h
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
