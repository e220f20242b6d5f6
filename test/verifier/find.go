package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// found is what there is to check below the paths of a request.
type found struct {
	chains []chain
	heads  []string
	// Only some writers were asked for: the others are not missed.
	partial bool
}

func find(paths []string) (found, error) {
	all := found{}
	for _, given := range paths {
		path, err := filepath.Abs(given)
		if err != nil {
			return all, err
		}
		info, err := os.Stat(path)
		if err != nil {
			return all, err
		}
		if !info.IsDir() {
			all.addSegment(path)
		} else if err := all.addFolder(path); err != nil {
			return all, err
		}
	}
	sort.Strings(all.heads)
	all.heads = slices.Compact(all.heads)
	return all, nil
}

func (all *found) addSegment(path string) {
	folder := filepath.Dir(path)
	all.addOwn(folder)
	for i := range all.chains {
		if c := &all.chains[i]; c.folder == folder {
			if !slices.Contains(c.files, path) {
				c.files = append(c.files, path)
				sort.Strings(c.files)
			}
			return
		}
	}
	all.chains = append(all.chains, chain{folder: folder, files: []string{path}})
}

// addOwn: a writer's folder by itself has the writer's statement, which stands beside it.
func (all *found) addOwn(folder string) {
	all.partial = true
	if writerName.MatchString(filepath.Base(folder)) {
		all.heads = append(all.heads, folder+".heads")
	}
}

func (all *found) addChain(c chain) {
	all.chains = slices.DeleteFunc(all.chains, func(other chain) bool { return other.folder == c.folder })
	all.chains = append(all.chains, c)
}

func (all *found) addFolder(dir string) error {
	loose, err := recordFiles(dir)
	if err != nil {
		return err
	}
	if writerName.MatchString(filepath.Base(dir)) {
		all.addOwn(dir)
		all.addChain(chain{dir, loose, true})
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	writers, statements := 0, 0
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if !entry.IsDir() {
			if strings.HasSuffix(entry.Name(), ".heads") {
				all.heads = append(all.heads, path)
				statements++
			}
			continue
		}
		files, err := recordFiles(path)
		if err != nil {
			return err
		}
		if len(files) > 0 || writerName.MatchString(entry.Name()) {
			all.addChain(chain{path, files, true})
			writers++
		}
	}
	if len(loose) > 0 || writers == 0 {
		all.addChain(chain{dir, loose, true})
	}
	if len(loose) > 0 && writers == 0 && statements == 0 {
		all.partial = true
	}
	return nil
}

func recordFiles(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	files := []string{}
	for _, entry := range entries {
		if !entry.IsDir() && strings.HasSuffix(entry.Name(), ".jsonl") {
			files = append(files, filepath.Join(folder, entry.Name()))
		}
	}
	return files, nil
}

// findHeads gives files as they are, and of folders everything in them that can be a statement.
func findHeads(paths []string) ([]string, error) {
	files := []string{}
	for _, path := range paths {
		err := filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			suffix := filepath.Ext(file)
			if file == path || suffix == ".heads" || suffix == ".json" {
				absolute, err := filepath.Abs(file)
				files = append(files, absolute)
				return err
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}
