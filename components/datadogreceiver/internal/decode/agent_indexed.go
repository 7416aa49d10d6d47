package decode

// indexedPayload reads pkg/proto/datadog/trace/idx/tracer_payload.proto: v1.0 in protobuf, its strings in one table.
func (d *Decoder) indexedPayload(message []byte) error {
	p := &d.payload
	d.dict = d.dict[:0]
	err := eachField(message, func(f field) error {
		if f.number == payloadStrings {
			d.dict = append(grow(d.dict), d.syms.intern(f.bytes))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return eachField(message, func(f field) error {
		switch f.number {
		case payloadContainerID:
			p.ContainerID = d.syms.text(d.ref(f.bits))
		case payloadLanguageName:
			p.Lang = d.syms.text(d.ref(f.bits))
		case payloadLanguageVersion:
			p.LangVersion = d.syms.text(d.ref(f.bits))
		case payloadTracerVersion:
			p.TracerVersion = d.syms.text(d.ref(f.bits))
		case payloadRuntimeID:
			p.runtimeID = d.ref(f.bits)
		case payloadEnv:
			if env := d.ref(f.bits); env != noSym {
				p.env = env
			}
		case payloadHostname:
			if host := d.ref(f.bits); host != noSym {
				p.hostname = host
			}
		case payloadAppVersion:
			p.appVersion = d.ref(f.bits)
		case payloadAttributes:
			return d.idxAttr(f.bytes, d.payloadAttr)
		case payloadChunks:
			return d.idxChunk(f.bytes)
		}
		return nil
	})
}

func (d *Decoder) idxChunk(message []byte) error {
	d.beginChunk()
	c := &d.chunk
	c.ownsTraceID = true
	// Proto leaves out zeroes: a chunk without a priority has priority 0.
	c.hasPriority = true
	err := eachField(message, func(f field) error {
		switch f.number {
		case chunkPriority:
			c.priority = float64(int32(f.bits))
			c.hasPriority = int32(f.bits) != noPriority
		case chunkOrigin:
			c.origin = d.ref(f.bits)
		case chunkAttributes:
			return d.idxAttr(f.bytes, d.chunkAttr)
		case chunkSpans:
			return d.idxSpan(f.bytes)
		case chunkTraceID:
			c.traceHi, c.traceLo, _ = bigEndian128(f.bytes)
		case chunkMechanism:
			c.mechanism, c.hasMechanism = f.bits, f.bits != 0
		}
		return nil
	})
	if err == nil {
		d.endChunk()
	}
	return err
}

func (d *Decoder) idxSpan(message []byte) error {
	d.beginSpan()
	sp := &d.span
	err := eachField(message, func(f field) error {
		switch f.number {
		case spanService:
			sp.service = d.ref(f.bits)
		case spanName:
			sp.name = d.ref(f.bits)
		case spanResource:
			sp.resource = d.ref(f.bits)
		case spanSpanID:
			sp.spanID = f.bits
		case spanParentID:
			sp.parentID = f.bits
		case spanStart:
			sp.start = uint64(max(0, int64(f.bits)))
		case spanDuration:
			sp.duration = int64(f.bits)
		case spanError:
			sp.failed = f.bits != 0
		case spanAttributes:
			return d.idxAttr(f.bytes, d.spanAttr)
		case spanType:
			sp.typ = d.ref(f.bits)
		case spanLinks:
			return d.idxLink(f.bytes)
		case spanEvents:
			return d.idxEvent(f.bytes)
		case spanEnv:
			sp.env = d.ref(f.bits)
		case spanVersion:
			sp.version = d.ref(f.bits)
		case spanComponent:
			if component := d.ref(f.bits); component != noSym {
				d.addMeta(kComponent, component)
			}
		case spanKindField:
			if f.bits <= uint64(kindConsumer) {
				sp.kind = spanKind(f.bits)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return d.endSpan()
}

func (d *Decoder) idxLink(message []byte) error {
	var l link
	attrs := len(d.linked)
	err := eachField(message, func(f field) error {
		switch f.number {
		case 1:
			l.high, l.low, _ = bigEndian128(f.bytes)
		case 2:
			l.spanID = f.bits
		case 3:
			return d.idxAttr(f.bytes, d.linkedAttr)
		case 4:
			l.state = d.ref(f.bits)
		case 5:
			l.flags = f.bits
		}
		return nil
	})
	if err == nil {
		d.addLink(d.scratch.Links(), l, attrs)
	}
	return err
}

func (d *Decoder) idxEvent(message []byte) error {
	var when uint64
	var name sym
	attrs := len(d.linked)
	err := eachField(message, func(f field) error {
		switch f.number {
		case 1:
			when = f.bits
		case 2:
			name = d.ref(f.bits)
		case 3:
			return d.idxAttr(f.bytes, d.linkedAttr)
		}
		return nil
	})
	if err == nil {
		d.addEvent(d.scratch.Events(), when, name, attrs)
	}
	return err
}
