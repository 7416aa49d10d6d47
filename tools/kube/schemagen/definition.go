package main

import (
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

const preserve = "x-kubernetes-preserve-unknown-fields"

// fromDefinition writes a schema per version of a CustomResourceDefinition.
func fromDefinition(file, out string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var crd struct {
		Spec struct {
			Group    string
			Names    struct{ Kind string }
			Versions []struct {
				Name   string
				Schema struct{ OpenAPIV3Schema object }
			}
		}
	}
	if err := yaml.Unmarshal(b, &crd); err != nil {
		return err
	}
	if len(crd.Spec.Versions) == 0 {
		return fmt.Errorf("%s defines no version", file)
	}
	for _, v := range crd.Spec.Versions {
		schema := v.Schema.OpenAPIV3Schema
		closeProperties(schema)
		trim(schema)
		properties := schema["properties"].(object)
		properties["apiVersion"] = object{"const": crd.Spec.Group + "/" + v.Name}
		properties["kind"] = object{"const": crd.Spec.Names.Kind}
		properties["metadata"] = object{"type": "object"}
		name := fileName(crd.Spec.Group, v.Name, crd.Spec.Names.Kind) + ".json"
		if err := write(filepath.Join(out, name), schema); err != nil {
			return err
		}
	}
	return nil
}

// closeProperties refuses unknown properties at every level, as the API server's pruning
// would drop them without a word.
func closeProperties(v any) {
	switch t := v.(type) {
	case object:
		if t["x-kubernetes-int-or-string"] == true {
			delete(t, "type")
		}
		if _, ok := t["properties"].(object); ok && t[preserve] != true && t["additionalProperties"] == nil {
			t["additionalProperties"] = false
		}
		for _, child := range t {
			closeProperties(child)
		}
	case []any:
		for _, child := range t {
			closeProperties(child)
		}
	}
}
