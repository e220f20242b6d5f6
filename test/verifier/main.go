// A verifier of Countersign's audit trail, written from docs/audit-format.md and nothing else, so that two programs with
// no code in common say whether records hold.
//
//	verifier -key FILE [-heads PATH] [-require-heads] PATH...
//	verifier -key FILE -batch        {"paths": [...], "heads": [...], "require_heads": false} on each line of stdin
//
// Prints {"ok", "problems": [{file, line, seq, message}]}; status 0: holds, 1: does not, 2: could not be checked.
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"os"
)

type list []string

func (l *list) String() string         { return fmt.Sprint([]string(*l)) }
func (l *list) Set(value string) error { *l = append(*l, value); return nil }

type request struct {
	Paths        []string `json:"paths"`
	Heads        []string `json:"heads"`
	RequireHeads bool     `json:"require_heads"`
}

type answer struct {
	OK       bool      `json:"ok"`
	Problems []problem `json:"problems"`
	Error    string    `json:"error,omitempty"`
}

type verifier struct {
	ring keyring
	// In a batch, lines that were found good before: the same bytes and keys give the same record.
	good map[[sha256.Size]byte]*record
}

// read is readRecord, once for each line.
func (v *verifier) read(line []byte) (*record, string) {
	if v.good == nil {
		return readRecord(line, v.ring)
	}
	sum := sha256.Sum256(line)
	if known := v.good[sum]; known != nil {
		return known, ""
	}
	read, fault := readRecord(line, v.ring)
	if fault == "" {
		v.good[sum] = read
	}
	return read, fault
}

func (v *verifier) verify(asked request) (answer, error) {
	found, err := find(asked.Paths)
	if err != nil {
		return answer{}, err
	}
	heads := &statedHeads{claims: map[string]map[int64][]claim{}, required: asked.RequireHeads}
	kept, err := findHeads(asked.Heads)
	if err != nil {
		return answer{}, err
	}
	for _, path := range found.heads {
		if err := heads.readFile(path, false, v.ring); err != nil {
			return answer{}, err
		}
	}
	for _, path := range kept {
		if err := heads.readFile(path, true, v.ring); err != nil {
			return answer{}, err
		}
	}
	problems := []problem{}
	present := map[string]bool{}
	for _, chain := range found.chains {
		present[chain.name()] = true
		if len(chain.files) == 0 {
			problems = append(problems, problem{chain.folder, 0, 0, "holds no records"})
			if len(heads.claims[chain.name()]) == 0 {
				continue
			}
		}
		more, err := v.checkChain(chain, heads)
		if err != nil {
			return answer{}, err
		}
		problems = append(problems, more...)
	}
	heads.compare(present, found.partial)
	problems = append(problems, heads.problems...)
	return answer{OK: len(problems) == 0, Problems: problems}, nil
}

func main() {
	var keys, heads list
	flag.Var(&keys, "key", "JWK with the audit key or its public half")
	flag.Var(&heads, "heads", "statements that were kept elsewhere")
	required := flag.Bool("require-heads", false, "a chain that no statement covers does not hold")
	batch := flag.Bool("batch", false, "read requests from standard input")
	flag.Parse()

	v := &verifier{ring: keyring{}}
	for _, path := range keys {
		if err := v.ring.addFile(path); err != nil {
			fail(err)
		}
	}
	if *batch {
		v.good = map[[sha256.Size]byte]*record{}
		v.answerAll()
		return
	}
	if len(keys) == 0 || flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	result, err := v.verify(request{flag.Args(), heads, *required})
	if err != nil {
		fail(err)
	}
	print(result)
	if !result.OK {
		os.Exit(1)
	}
}

func (v *verifier) answerAll() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var asked request
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			fail(err)
		}
		result, err := v.verify(asked)
		if err != nil {
			result = answer{Problems: []problem{}, Error: err.Error()}
		}
		print(result)
	}
}

func print(result answer) {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(result); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "verifier:", err)
	os.Exit(2)
}
