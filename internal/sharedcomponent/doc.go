// Package sharedcomponent gives the pipelines of one component id one instance.
//
// The collector calls a factory's create function once for each signal, each
// time with the same *Config. A component that owns something there can be only
// one of, such as a listener or what two signals are joined by, finds it here:
//
//	var receivers = sharedcomponent.New[*Config, *server](sharedcomponent.StopAtFirst)
//
//	func createTraces(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Traces) (receiver.Traces, error) {
//		h, err := receivers.Get(cfg.(*Config), func() (*server, error) { return newServer(set, cfg.(*Config)) })
//		if err != nil {
//			return nil, err
//		}
//		h.Instance().traces = next
//		return h, nil
//	}
//
// Each pipeline has a Handle of its own. The first to start starts the instance,
// and all get the result. Status that the instance reports reaches every
// pipeline. A stopped instance is forgotten: the same configuration then gets a
// new one.
//
// The collector has a package like this, which only its own modules can import.
package sharedcomponent
