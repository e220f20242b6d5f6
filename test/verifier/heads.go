package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"time"
)

var (
	writerName  = regexp.MustCompile(`^w[1-9][0-9]*-[0-9A-HJKMNP-TV-Z]{26}$`)
	onDisk      = regexp.MustCompile(`([^/]+)\.heads$`)
	inBucket    = regexp.MustCompile(`([^/]+)/heads-[^/]*\.json$`)
	instantForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z$`)
)

type statement struct {
	place     string
	writer    string
	at        time.Time
	heads     map[string]head
	elsewhere bool
}

type head struct {
	seq  int64
	link string
}

type claim struct {
	statement *statement
	link      string
}

type statedHeads struct {
	statements []*statement
	claims     map[string]map[int64][]claim
	problems   []problem
	required   bool
}

func (s *statedHeads) add(file string, line int, seq int64, message string) {
	if len(s.problems) < maxProblems {
		s.problems = append(s.problems, problem{file, line, seq, message})
	}
}

// readFile reads the one statement of a file. A file that is not there states nothing.
func (s *statedHeads) readFile(path string, elsewhere bool, ring keyring) error {
	file, err := os.Open(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxLine+2))
	if err != nil {
		return err
	}
	line, ended := strings.CutSuffix(string(text), "\n")
	if len(line) > maxLine {
		s.add(path, 0, 0, "is longer than a statement can be")
		return nil
	}
	if !ended && strings.HasSuffix(path, ".heads") {
		s.add(path, 0, 0, "does not end with a newline")
		return nil
	}
	read, fault := readStatement([]byte(line), ring)
	if fault == "" {
		fault = misnamed(path, read.writer)
	}
	if fault != "" {
		s.add(path, 1, 0, fault)
		return nil
	}
	read.place, read.elsewhere = path, elsewhere
	s.statements = append(s.statements, read)
	for writer, head := range read.heads {
		if s.claims[writer] == nil {
			s.claims[writer] = map[int64][]claim{}
		}
		s.claims[writer][head.seq] = append(s.claims[writer][head.seq], claim{read, head.link})
	}
	return nil
}

func readStatement(line []byte, ring keyring) (*statement, string) {
	const noStatement = "is no statement of heads"
	object, fault := readSigned(line, ring)
	if fault != "" {
		return nil, fault
	}
	writer, isWriter := object["writer"].(string)
	timestamp, _ := object["timestamp"].(string)
	at, err := time.Parse(time.RFC3339Nano, timestamp)
	list, isList := object["heads"].([]any)
	if object["kind"] != "heads" || !isWriter || err != nil || !instantForm.MatchString(timestamp) || !isList {
		return nil, noStatement
	}
	read := &statement{writer: writer, at: at, heads: map[string]head{}}
	for _, entry := range list {
		members, _ := entry.(map[string]any)
		name, isName := members["writer"].(string)
		link, isLink := members["link"].(string)
		seq, isSeq := integer(members["seq"])
		if !isName || !isLink || !isSeq || seq < 1 || len(members) != 3 {
			return nil, noStatement
		}
		if _, twice := read.heads[name]; twice {
			return nil, "names a chain twice"
		}
		read.heads[name] = head{seq, link}
	}
	return read, ""
}

func misnamed(path, writer string) string {
	for _, form := range []*regexp.Regexp{onDisk, inBucket} {
		match := form.FindStringSubmatch(filepath.ToSlash(path))
		if match == nil {
			continue
		}
		if writerName.MatchString(match[1]) && match[1] != writer {
			return "is a statement of another writer"
		}
		return ""
	}
	return ""
}

// compare is the last part of the format's list: statements among each other.
func (s *statedHeads) compare(present map[string]bool, partial bool) {
	for writer, claims := range s.claims {
		var highest int64
		for seq := range claims {
			highest = max(highest, seq)
		}
		if !partial && !present[writer] {
			s.add(claims[highest][0].statement.place, 1, highest, "names a chain that is not there")
		}
	}
	sort.SliceStable(s.statements, func(i, j int) bool { return s.statements[i].at.Before(s.statements[j].at) })
	s.backwards()
	s.putBack()
}

func (s *statedHeads) backwards() {
	type pair struct{ by, about string }
	highest := map[pair]int64{}
	lower := map[pair]problem{}
	for _, statement := range s.statements {
		for writer, head := range statement.heads {
			key := pair{statement.writer, writer}
			if head.seq < highest[key] {
				lower[key] = problem{statement.place, 1, head.seq, "states an earlier end than a statement before it"}
			}
			highest[key] = max(highest[key], head.seq)
		}
	}
	for _, found := range lower {
		s.add(found.File, found.Line, found.Seq, found.Message)
	}
}

func (s *statedHeads) putBack() {
	here, kept := map[string]*statement{}, map[string]*statement{}
	for _, statement := range s.statements {
		if _, own := statement.heads[statement.writer]; !own {
			continue
		}
		if statement.elsewhere {
			kept[statement.writer] = statement
		} else {
			here[statement.writer] = statement
		}
	}
	for writer, newest := range here {
		other := kept[writer]
		if other == nil || !other.at.After(newest.at) {
			continue
		}
		if seq := newest.heads[writer].seq; other.heads[writer].seq > seq {
			s.add(newest.place, 1, seq, "is older than "+other.place)
		}
	}
}
