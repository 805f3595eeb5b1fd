// Builds an image from a Dockerfile without a daemon, the same bytes from the same files. It knows
// what our Dockerfiles use (FROM scratch, COPY, LABEL, USER, ENTRYPOINT, STOPSIGNAL), and stops at
// anything else.
//
//	images DOCKERFILE CONTEXT NAME:TAG OUT.tar
package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("usage: images DOCKERFILE CONTEXT NAME:TAG OUT.tar")
	}
	image, err := build(args[0], args[1])
	if err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	tag, err := name.NewTag(args[2])
	if err != nil {
		return err
	}
	partial := args[3] + ".partial"
	if err := tarball.WriteToFile(partial, tag, image); err != nil {
		return err
	}
	if err := os.Rename(partial, args[3]); err != nil {
		return err
	}
	return report(image)
}

// report prints the digest and the size of each layer, as one line of JSON.
func report(image v1.Image) error {
	digest, err := image.Digest()
	if err != nil {
		return err
	}
	manifest, err := image.Manifest()
	if err != nil {
		return err
	}
	sizes := []int64{}
	for _, layer := range manifest.Layers {
		sizes = append(sizes, layer.Size)
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"digest": digest.String(), "layers": sizes})
}

func build(dockerfile, context string) (v1.Image, error) {
	file, err := os.Open(dockerfile)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	parsed, err := parser.Parse(file)
	if err != nil {
		return nil, err
	}
	image := empty.Image
	config := v1.Config{Labels: map[string]string{}, Env: []string{"PATH=/"}, WorkingDir: "/"}
	for _, node := range parsed.AST.Children {
		var words []string
		for next := node.Next; next != nil; next = next.Next {
			words = append(words, next.Value)
		}
		switch command := strings.ToLower(node.Value); command {
		case "from":
			if !slices.Equal(words, []string{"scratch"}) {
				return nil, fmt.Errorf("line %d: only FROM scratch", node.StartLine)
			}
		case "copy":
			layer, err := copied(context, words)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", node.StartLine, err)
			}
			if image, err = mutate.AppendLayers(image, layer); err != nil {
				return nil, err
			}
		case "label": // triples of name, value and separator
			for i := 0; i+1 < len(words); i += 3 {
				config.Labels[words[i]] = strings.Trim(words[i+1], `"`)
			}
		case "user":
			config.User = words[0]
		case "entrypoint":
			config.Entrypoint = words
		case "stopsignal":
			config.StopSignal = words[0]
		default:
			return nil, fmt.Errorf("line %d: %s is not known here", node.StartLine, command)
		}
	}
	return mutate.ConfigFile(image, &v1.ConfigFile{
		Architecture: runtime.GOARCH, OS: "linux", Config: config, RootFS: rootFS(image),
	})
}

func rootFS(image v1.Image) v1.RootFS {
	file, err := image.ConfigFile()
	if err != nil {
		return v1.RootFS{}
	}
	return file.RootFS
}

// copied is a layer with the sources at the destination: owned by root, without dates, in order.
func copied(context string, words []string) (v1.Layer, error) {
	sources, destination := words[:len(words)-1], words[len(words)-1]
	files := map[string]string{} // path in the image -> path here
	for _, source := range sources {
		root := filepath.Join(context, source)
		info, err := os.Stat(root)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			target := destination
			if strings.HasSuffix(destination, "/") {
				target = path.Join(destination, filepath.Base(source))
			}
			files[target] = root
			continue
		}
		err = filepath.WalkDir(root, func(found string, entry os.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				below, _ := filepath.Rel(root, found)
				files[path.Join(destination, below)] = found
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	content, err := archive(files)
	if err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}, tarball.WithCompressedCaching)
}

func archive(files map[string]string) ([]byte, error) {
	folders := map[string]bool{}
	targets := []string{}
	for target := range files {
		targets = append(targets, target)
		for folder := path.Dir(target); folder != "/" && folder != "."; folder = path.Dir(folder) {
			folders[folder] = true
		}
	}
	for folder := range folders {
		targets = append(targets, folder)
	}
	slices.Sort(targets)
	buffer := bytes.Buffer{}
	writer := tar.NewWriter(&buffer)
	for _, target := range targets {
		header := &tar.Header{Name: strings.TrimPrefix(target, "/"), Mode: 0o755}
		if folders[target] {
			header.Typeflag = tar.TypeDir
			header.Name += "/"
			if err := writer.WriteHeader(header); err != nil {
				return nil, err
			}
			continue
		}
		content, err := os.ReadFile(files[target])
		if err != nil {
			return nil, err
		}
		info, err := os.Stat(files[target])
		if err != nil {
			return nil, err
		}
		if info.Mode()&0o100 == 0 {
			header.Mode = 0o644
		}
		header.Size = int64(len(content))
		if err := writer.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := writer.Write(content); err != nil {
			return nil, err
		}
	}
	return buffer.Bytes(), writer.Close()
}
