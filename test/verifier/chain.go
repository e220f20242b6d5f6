package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

const (
	maxLine     = 1024 * 1024
	maxProblems = 1000
	maxSeq      = 1<<53 - 1
)

var segmentName = regexp.MustCompile(`^([0-9]{16})\.jsonl$`)

type problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Seq     int64  `json:"seq,omitempty"`
	Message string `json:"message"`
}

// record is what the chain needs to know of one.
type record struct {
	seq                     int64
	prev, link, writer, kid string
	first                   bool // prev is null
	kind                    string
	keyChanged              bool
}

// chain is one folder, or some of its segments.
type chain struct {
	folder string
	files  []string
	whole  bool
}

func (c chain) name() string { return filepath.Base(c.folder) }

type chainCheck struct {
	chain
	verifier *verifier
	claims   map[int64][]claim
	problems []problem
	writer   string
	known    bool // what the next record must be is known
	next     int64
	prev     string
	last     int64
	reached  int64
	kid      string
	kids     map[string]bool
}

func (v *verifier) checkChain(c chain, heads *statedHeads) ([]problem, error) {
	check := &chainCheck{chain: c, verifier: v, claims: heads.claims[c.name()], kids: map[string]bool{}}
	if c.whole {
		check.writer, check.known, check.next = c.name(), true, 1
	}
	for _, file := range c.files {
		if err := check.segment(file); err != nil {
			return nil, err
		}
	}
	check.end(heads.required)
	return check.problems, nil
}

func (c *chainCheck) add(file string, line int, seq int64, message string) {
	if len(c.problems) < maxProblems {
		c.problems = append(c.problems, problem{file, line, seq, message})
	}
}

func (c *chainCheck) segment(file string) error {
	var promised int64
	if match := segmentName.FindStringSubmatch(filepath.Base(file)); match != nil {
		promised, _ = strconv.ParseInt(match[1], 10, 64)
	} else if c.whole {
		c.add(file, 0, 0, "has no name of a segment")
	}
	opened, err := os.Open(file)
	if err != nil {
		return err
	}
	defer opened.Close()
	reader := bufio.NewReaderSize(opened, 64*1024)
	lines := 0
	for len(c.problems) < maxProblems {
		line, ended, tooLong, err := nextLine(reader)
		if err != nil {
			return err
		}
		if len(line) == 0 && !ended && !tooLong {
			break
		}
		lines++
		fault := ""
		var read *record
		switch {
		case tooLong:
			fault = "is longer than a record can be"
		case !ended:
			fault = "does not end with a newline"
		default:
			read, fault = c.verifier.read(line)
		}
		c.line(file, lines, read, fault, promised)
	}
	if lines == 0 && segmentName.MatchString(filepath.Base(file)) && c.known && promised != c.next {
		c.add(file, 0, 0, "is empty, and another record is due")
	}
	return nil
}

func (c *chainCheck) line(file string, number int, read *record, fault string, promised int64) {
	if fault != "" {
		due := int64(0)
		if c.known {
			due = c.next
		}
		c.add(file, number, due, fault)
		c.known = false
		return
	}
	if c.writer == "" {
		c.writer = read.writer
	}
	if number > 1 {
		promised = 0
	}
	if fault := c.fault(read, promised); fault != "" {
		c.add(file, number, read.seq, fault)
	}
	c.known, c.next, c.prev, c.last = true, read.seq+1, read.link, read.seq
	if read.writer == c.writer {
		c.reached = max(c.reached, read.seq)
		c.kid = read.kid
		c.kids[read.kid] = true
	}
}

// fault is steps 6 to 13 of the format's list.
func (c *chainCheck) fault(r *record, promised int64) string {
	named := segmentNamed(promised)
	switch {
	case r.writer != c.writer:
		return "belongs to another writer"
	case c.known && r.seq != c.next:
		return fmt.Sprintf("record %d was due", c.next)
	case !c.known && r.seq <= c.last:
		return fmt.Sprintf("comes after record %d", c.last)
	case (r.seq == 1) != r.first:
		return "prev is null for record 1 and for no other"
	case c.known && r.prev != c.prev:
		return "prev is not the hash of the line before"
	case named && promised != r.seq:
		return "is not the record that the name of the file promises"
	case !kinds[r.kind]:
		return "is of an unknown kind"
	case c.kid != "" && r.kid != c.kid && c.kids[r.kid] && !r.keyChanged:
		return "is signed with a key that was replaced"
	}
	for _, claim := range c.claims[r.seq] {
		if claim.link != r.link {
			return "is not the record that " + claim.statement.place + " states"
		}
	}
	return ""
}

func segmentNamed(promised int64) bool { return promised != 0 }

var kinds = map[string]bool{"decision": true, "outcome": true, "approval": true, "policy": true, "admin": true}

func (c *chainCheck) end(required bool) {
	if !c.whole {
		return
	}
	if len(c.claims) == 0 {
		if required {
			c.add(c.folder, 0, 0, "no statement of heads covers it")
		}
		return
	}
	var highest int64
	for seq := range c.claims {
		highest = max(highest, seq)
	}
	if highest > c.reached {
		file := c.folder
		if len(c.files) > 0 {
			file = c.files[len(c.files)-1]
		}
		c.add(file, 0, highest, fmt.Sprintf("ends at record %d, and a statement names a later one", c.reached))
	}
}

// nextLine gives one line without its newline. A line beyond the limit is skipped, not kept.
func nextLine(reader *bufio.Reader) (line []byte, ended, tooLong bool, err error) {
	for {
		piece, err := reader.ReadSlice('\n')
		ended = err == nil
		if ended {
			piece = piece[:len(piece)-1]
		}
		if len(line)+len(piece) > maxLine {
			tooLong = true
			line = nil
		}
		if !tooLong {
			line = append(line, piece...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, false, false, err
		}
		return line, ended, tooLong, nil
	}
}

// readRecord is steps 2 to 5 of the format's list.
func readRecord(line []byte, ring keyring) (*record, string) {
	object, fault := readSigned(line, ring)
	if fault != "" {
		return nil, fault
	}
	seq, ok := integer(object["seq"])
	if !ok || seq < 1 {
		return nil, "seq is no count"
	}
	prev, isText := object["prev"].(string)
	value, present := object["prev"]
	first := present && value == nil
	if !isText && !first {
		return nil, "prev is neither a link nor null"
	}
	writer, ok := object["writer"].(string)
	if !ok {
		return nil, "writer is no name"
	}
	kind, _ := object["kind"].(string)
	act, _ := object["act"].(string)
	kid, _ := object["signature"].(string)
	return &record{
		seq: seq, prev: prev, first: first, writer: writer, kid: kid, link: linkTo(line), kind: kind,
		keyChanged: kind == "admin" && act == "audit_key_changed",
	}, ""
}

func linkTo(line []byte) string {
	sum := sha256.Sum256(line)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func integer(value any) (int64, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	// In canonical form an integer of this size has digits only.
	parsed, err := strconv.ParseInt(string(number), 10, 64)
	return parsed, err == nil && parsed <= maxSeq
}
