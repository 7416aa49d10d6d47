package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

type object = map[string]any

const refPrefix = "#/definitions/"

// fromSwagger writes a schema per wanted kind, each with the definitions it needs.
func fromSwagger(swagger, out string) error {
	b, err := os.ReadFile(swagger)
	if err != nil {
		return err
	}
	var api struct {
		Definitions map[string]object `json:"definitions"`
	}
	if err := json.Unmarshal(b, &api); err != nil {
		return err
	}
	for name, d := range api.Definitions {
		strict(name, d)
	}
	written := map[string]bool{}
	for name, d := range api.Definitions {
		gvks, _ := d["x-kubernetes-group-version-kind"].([]any)
		if len(gvks) != 1 {
			continue
		}
		gvk := gvks[0].(object)
		group, version, kind := gvk["group"].(string), gvk["version"].(string), gvk["kind"].(string)
		file := fileName(group, version, kind)
		if !kinds[file] {
			continue
		}
		apiVersion := version
		if group != "" {
			apiVersion = group + "/" + version
		}
		properties := d["properties"].(object)
		properties["apiVersion"] = object{"const": apiVersion}
		properties["kind"] = object{"const": kind}
		needed := map[string]any{}
		if err := collect(api.Definitions, name, needed); err != nil {
			return err
		}
		schema := object{"$ref": refPrefix + name, "definitions": needed}
		if err := write(filepath.Join(out, file+".json"), schema); err != nil {
			return err
		}
		written[file] = true
	}
	for file := range kinds {
		if !written[file] {
			return fmt.Errorf("no definition for %s", file)
		}
	}
	return nil
}

// strict refuses properties that a definition does not name, and accepts the
// two types that Kubernetes reads from strings and numbers alike.
func strict(name string, d object) {
	trim(d)
	switch {
	case strings.HasSuffix(name, ".IntOrString"), strings.HasSuffix(name, ".Quantity"):
		delete(d, "type")
		d["oneOf"] = []any{object{"type": "string"}, object{"type": "number"}}
	case d["properties"] != nil && d["additionalProperties"] == nil:
		d["additionalProperties"] = false
	}
}

// trim drops what only people read, which is most of swagger.json.
func trim(v any) {
	switch t := v.(type) {
	case object:
		for key, child := range t {
			if key == "x-kubernetes-group-version-kind" {
				continue
			}
			// A property may have one of these names too; then it is no text.
			_, isText := child.(string)
			if ((key == "description" || key == "format") && isText) || strings.HasPrefix(key, "x-kubernetes-") && key != preserve {
				delete(t, key)
				continue
			}
			trim(child)
		}
	case []any:
		for _, child := range t {
			trim(child)
		}
	}
}

// collect copies a definition and everything it refers to.
func collect(all map[string]object, name string, into map[string]any) error {
	if _, ok := into[name]; ok {
		return nil
	}
	d, ok := all[name]
	if !ok {
		return fmt.Errorf("no definition %s", name)
	}
	delete(d, "x-kubernetes-group-version-kind")
	into[name] = d
	return walkRefs(d, func(ref string) error {
		return collect(all, strings.TrimPrefix(ref, refPrefix), into)
	})
}

func walkRefs(v any, visit func(string) error) error {
	switch t := v.(type) {
	case object:
		for key, child := range t {
			ref, isText := child.(string)
			if key == "$ref" && isText {
				if err := visit(ref); err != nil {
					return err
				}
			}
			if err := walkRefs(child, visit); err != nil {
				return err
			}
		}
	case []any:
		for _, child := range t {
			if err := walkRefs(child, visit); err != nil {
				return err
			}
		}
	}
	return nil
}
