; ModuleID = '<stdin>'
source_filename = "LLVMDialectModule"
target datalayout = "e-p6:32:32-i64:64-i128:128-i256:256-v16:16-v32:32-n16:32:64"
target triple = "nvptx64-nvidia-cuda"

@__wg_w4_ring_0 = internal addrspace(3) global [3072 x half] undef, align 128
@__wg_w4_ring_1 = internal addrspace(3) global [1536 x i32] undef, align 128

; Function Attrs: nounwind
define ptx_kernel void @w4_ring(ptr %0, ptr %1, ptr readonly captures(none) %2, ptr readonly captures(none) %3, ptr writeonly captures(none) %4) local_unnamed_addr #0 !dbg !3 {
  %6 = tail call range(i32 0, 128) i32 @llvm.nvvm.read.ptx.sreg.tid.x(), !dbg !6
  %7 = zext nneg i32 %6 to i64, !dbg !6
  %8 = and i64 %7, 31, !dbg !7
  %9 = lshr i64 %7, 5, !dbg !8
  %10 = lshr i64 %7, 3, !dbg !9
  %11 = xor i64 %10, %7, !dbg !10
  %12 = shl nuw nsw i64 %7, 3, !dbg !11
  %13 = and i64 %12, 56, !dbg !11
  %14 = shl nuw nsw i64 %11, 3, !dbg !12
  %15 = and i64 %14, 56, !dbg !12
  %16 = shl nuw nsw i64 %7, 2, !dbg !13
  %17 = and i64 %16, 28, !dbg !13
  %.idx16 = shl nuw nsw i64 %10, 7
  %invariant.gep = getelementptr i8, ptr addrspace(3) @__wg_w4_ring_0, i64 %.idx16, !dbg !14
  %invariant.gep29 = getelementptr half, ptr addrspace(3) %invariant.gep, i64 %15, !dbg !14
  %.idx18 = shl nuw nsw i64 %10, 9
  %invariant.gep31 = getelementptr i8, ptr %0, i64 %.idx18, !dbg !14
  %invariant.gep32 = getelementptr half, ptr %invariant.gep31, i64 %13, !dbg !14
  %18 = shl nuw nsw i64 %7, 2
  %19 = and i64 %18, 96
  %.idx20 = shl nuw nsw i64 %9, 9
  %invariant.gep34 = getelementptr i8, ptr addrspace(3) @__wg_w4_ring_1, i64 %.idx20, !dbg !14
  %invariant.gep35 = getelementptr i32, ptr addrspace(3) %invariant.gep34, i64 %19, !dbg !14
  %invariant.gep37 = getelementptr i32, ptr addrspace(3) %invariant.gep35, i64 %17, !dbg !14
  %invariant.gep38 = getelementptr i8, ptr %1, i64 %.idx20, !dbg !14
  %invariant.gep40 = getelementptr i32, ptr %invariant.gep38, i64 %19, !dbg !14
  %invariant.gep42 = getelementptr i32, ptr %invariant.gep40, i64 %17, !dbg !14
  %20 = addrspacecast ptr %invariant.gep32 to ptr addrspace(1), !dbg !15
  tail call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) %invariant.gep29, ptr addrspace(1) %20), !dbg !15
  %21 = addrspacecast ptr %invariant.gep42 to ptr addrspace(1), !dbg !16
  tail call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) %invariant.gep37, ptr addrspace(1) %21), !dbg !16
  tail call void @llvm.nvvm.cp.async.commit.group(), !dbg !17
  %gep30.1 = getelementptr i8, ptr addrspace(3) %invariant.gep29, i64 2048, !dbg !15
  %gep33.1 = getelementptr i8, ptr %invariant.gep32, i64 128, !dbg !15
  %22 = addrspacecast ptr %gep33.1 to ptr addrspace(1), !dbg !15
  tail call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) %gep30.1, ptr addrspace(1) %22), !dbg !15
  %gep.1 = getelementptr i8, ptr addrspace(3) %invariant.gep37, i64 2048, !dbg !16
  %gep43.1 = getelementptr i8, ptr %invariant.gep42, i64 2048, !dbg !16
  %23 = addrspacecast ptr %gep43.1 to ptr addrspace(1), !dbg !16
  tail call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) %gep.1, ptr addrspace(1) %23), !dbg !16
  tail call void @llvm.nvvm.cp.async.commit.group(), !dbg !17
  %24 = lshr i64 %8, 4, !dbg !18
  %25 = and i64 %7, 7, !dbg !19
  %26 = lshr i64 %8, 2, !dbg !20
  %27 = shl nuw nsw i64 %9, 4, !dbg !21
  %28 = shl nuw nsw i64 %7, 6
  %29 = and i64 %28, 960
  %invariant.gep68 = getelementptr half, ptr addrspace(3) @__wg_w4_ring_0, i64 %29, !dbg !22
  %30 = and i64 %7, 96
  %invariant.gep70 = getelementptr inbounds nuw i32, ptr addrspace(3) @__wg_w4_ring_1, i64 %30, !dbg !22
  %invariant.gep72 = getelementptr inbounds nuw i32, ptr addrspace(3) %invariant.gep70, i64 %8, !dbg !22
  %31 = xor i64 %24, %25, !dbg !23
  %.idx12 = shl nuw nsw i64 %31, 4, !dbg !24
  %32 = or disjoint i64 %24, 2
  %33 = xor i64 %32, %25
  %.idx12.1 = shl nuw nsw i64 %33, 4
  %34 = or disjoint i64 %24, 4
  %35 = xor i64 %34, %25
  %.idx12.2 = shl nuw nsw i64 %35, 4
  %36 = or disjoint i64 %24, 6
  %37 = xor i64 %36, %25
  %.idx12.3 = shl nuw nsw i64 %37, 4
  %invariant.op = or disjoint i64 %27, %26, !dbg !22
  br label %38, !dbg !22

38:                                               ; preds = %48, %5
  %39 = phi [2 x <2 x float>] [ zeroinitializer, %5 ], [ %268, %48 ]
  %40 = phi [2 x <2 x float>] [ zeroinitializer, %5 ], [ %257, %48 ]
  %41 = phi i64 [ 0, %5 ], [ %269, %48 ]
  tail call void @llvm.nvvm.cp.async.wait.group(i32 1), !dbg !25
  tail call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0), !dbg !26
  %42 = icmp samesign ult i64 %41, 2, !dbg !27
  br i1 %42, label %43, label %._crit_edge, !dbg !28

._crit_edge:                                      ; preds = %38
  %.pre = shl nuw nsw i64 %41, 11
  br label %48, !dbg !28

43:                                               ; preds = %38
  %44 = or disjoint i64 %41, 2, !dbg !29
  %.cmp = icmp eq i64 %41, 0, !dbg !30
  %.urem = shl nuw nsw i64 %41, 11, !dbg !31
  %45 = add nsw i64 %.urem, -2048, !dbg !31
  %.idx = select i1 %.cmp, i64 4096, i64 %45, !dbg !30
  %gep51 = getelementptr i8, ptr addrspace(3) %invariant.gep29, i64 %.idx, !dbg !31
  %.idx5 = shl nuw nsw i64 %44, 7, !dbg !31
  %gep55 = getelementptr i8, ptr %invariant.gep32, i64 %.idx5, !dbg !31
  %46 = addrspacecast ptr %gep55 to ptr addrspace(1), !dbg !31
  tail call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) %gep51, ptr addrspace(1) %46), !dbg !31
  %gep61 = getelementptr i8, ptr addrspace(3) %invariant.gep37, i64 %.idx, !dbg !32
  %.idx9 = shl nuw nsw i64 %44, 11, !dbg !32
  %gep67 = getelementptr i8, ptr %invariant.gep42, i64 %.idx9, !dbg !32
  %47 = addrspacecast ptr %gep67 to ptr addrspace(1), !dbg !32
  tail call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) %gep61, ptr addrspace(1) %47), !dbg !32
  br label %48, !dbg !28

48:                                               ; preds = %43, %._crit_edge
  %.pre-phi = phi i64 [ %.pre, %._crit_edge ], [ %.urem, %43 ]
  tail call void @llvm.nvvm.cp.async.commit.group(), !dbg !33
  %.cmp25.not = icmp eq i64 %41, 3, !dbg !34
  %49 = shl nuw nsw i64 %41, 6, !dbg !35
  %.reass.reass = or disjoint i64 %49, %invariant.op
  %50 = getelementptr inbounds nuw half, ptr %2, i64 %.reass.reass, !dbg !35
  %51 = load half, ptr %50, align 2, !dbg !35
  %52 = or disjoint i64 %.reass.reass, 8, !dbg !36
  %53 = getelementptr inbounds nuw half, ptr %2, i64 %52, !dbg !36
  %54 = load half, ptr %53, align 2, !dbg !36
  %55 = getelementptr inbounds nuw half, ptr %3, i64 %.reass.reass, !dbg !37
  %56 = load half, ptr %55, align 2, !dbg !37
  %57 = getelementptr inbounds nuw half, ptr %3, i64 %52, !dbg !38
  %58 = load half, ptr %57, align 2, !dbg !38
  %59 = insertelement <2 x half> poison, half %51, i64 0, !dbg !39
  %60 = shufflevector <2 x half> %59, <2 x half> poison, <2 x i32> zeroinitializer, !dbg !39
  %61 = insertelement <2 x half> poison, half %54, i64 0, !dbg !40
  %62 = shufflevector <2 x half> %61, <2 x half> poison, <2 x i32> zeroinitializer, !dbg !40
  %63 = fadd half %56, 0xH6400, !dbg !41
  %64 = fadd half %58, 0xH6400, !dbg !42
  %65 = fadd half %56, 0xH5400, !dbg !43
  %66 = fadd half %58, 0xH5400, !dbg !44
  %67 = fneg half %65, !dbg !45
  %68 = fneg half %66, !dbg !46
  %69 = insertelement <2 x half> poison, half %63, i64 0, !dbg !47
  %70 = shufflevector <2 x half> %69, <2 x half> poison, <2 x i32> zeroinitializer, !dbg !47
  %71 = insertelement <2 x half> poison, half %64, i64 0, !dbg !48
  %72 = shufflevector <2 x half> %71, <2 x half> poison, <2 x i32> zeroinitializer, !dbg !48
  %73 = insertelement <2 x half> poison, half %67, i64 0, !dbg !49
  %74 = shufflevector <2 x half> %73, <2 x half> poison, <2 x i32> zeroinitializer, !dbg !49
  %75 = insertelement <2 x half> poison, half %68, i64 0, !dbg !50
  %76 = shufflevector <2 x half> %75, <2 x half> poison, <2 x i32> zeroinitializer, !dbg !50
  %.idx11 = select i1 %.cmp25.not, i64 0, i64 %.pre-phi
  %gep69 = getelementptr i8, ptr addrspace(3) %invariant.gep68, i64 %.idx11
  %gep73 = getelementptr inbounds nuw i8, ptr addrspace(3) %invariant.gep72, i64 %.idx11, !dbg !51
  %77 = getelementptr i8, ptr addrspace(3) %gep69, i64 %.idx12, !dbg !24
  %78 = tail call { i32, i32, i32, i32 } @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.b16.p3(ptr addrspace(3) %77), !dbg !24
  %79 = extractvalue { i32, i32, i32, i32 } %78, 0, !dbg !24
  %80 = bitcast i32 %79 to <2 x half>, !dbg !24
  %81 = extractvalue { i32, i32, i32, i32 } %78, 1, !dbg !24
  %82 = bitcast i32 %81 to <2 x half>, !dbg !24
  %83 = extractvalue { i32, i32, i32, i32 } %78, 2, !dbg !24
  %84 = bitcast i32 %83 to <2 x half>, !dbg !24
  %85 = extractvalue { i32, i32, i32, i32 } %78, 3, !dbg !24
  %86 = bitcast i32 %85 to <2 x half>, !dbg !24
  %87 = load i32, ptr addrspace(3) %gep73, align 4, !dbg !52
  %88 = lshr i32 %87, 8, !dbg !53
  %89 = and i32 %87, 983055, !dbg !54
  %90 = or disjoint i32 %89, 1677747200, !dbg !55
  %91 = and i32 %87, 15728880, !dbg !56
  %92 = or disjoint i32 %91, 1677747200, !dbg !57
  %93 = and i32 %88, 983055, !dbg !58
  %94 = or disjoint i32 %93, 1677747200, !dbg !59
  %95 = and i32 %88, 15728880, !dbg !60
  %96 = or disjoint i32 %95, 1677747200, !dbg !61
  %97 = bitcast i32 %90 to <2 x half>, !dbg !62
  %98 = bitcast i32 %92 to <2 x half>, !dbg !63
  %99 = bitcast i32 %94 to <2 x half>, !dbg !64
  %100 = bitcast i32 %96 to <2 x half>, !dbg !65
  %101 = fsub <2 x half> %97, %70, !dbg !66
  %102 = tail call <2 x half> @llvm.fma.v2f16(<2 x half> %98, <2 x half> splat (half 0xH2C00), <2 x half> %74), !dbg !67
  %103 = fsub <2 x half> %99, %72, !dbg !68
  %104 = tail call <2 x half> @llvm.fma.v2f16(<2 x half> %100, <2 x half> splat (half 0xH2C00), <2 x half> %76), !dbg !69
  %105 = fmul <2 x half> %60, %101, !dbg !70
  %106 = fmul <2 x half> %60, %102, !dbg !71
  %107 = fmul <2 x half> %62, %103, !dbg !72
  %108 = fmul <2 x half> %62, %104, !dbg !73
  %109 = extractvalue [2 x <2 x float>] %40, 0, !dbg !74
  %110 = extractelement <2 x float> %109, i64 0, !dbg !74
  %111 = extractelement <2 x float> %109, i64 1, !dbg !74
  %112 = extractvalue [2 x <2 x float>] %40, 1, !dbg !74
  %113 = extractelement <2 x float> %112, i64 0, !dbg !74
  %114 = extractelement <2 x float> %112, i64 1, !dbg !74
  %115 = tail call { float, float, float, float } @llvm.nvvm.mma.m16n8k16.row.col.f32.f32(<2 x half> %80, <2 x half> %82, <2 x half> %84, <2 x half> %86, <2 x half> %105, <2 x half> %106, float %110, float %111, float %113, float %114), !dbg !74
  %116 = extractvalue { float, float, float, float } %115, 0, !dbg !74
  %117 = extractvalue { float, float, float, float } %115, 1, !dbg !74
  %118 = extractvalue { float, float, float, float } %115, 2, !dbg !74
  %119 = extractvalue { float, float, float, float } %115, 3, !dbg !74
  %120 = extractvalue [2 x <2 x float>] %39, 0, !dbg !75
  %121 = extractelement <2 x float> %120, i64 0, !dbg !75
  %122 = extractelement <2 x float> %120, i64 1, !dbg !75
  %123 = extractvalue [2 x <2 x float>] %39, 1, !dbg !75
  %124 = extractelement <2 x float> %123, i64 0, !dbg !75
  %125 = extractelement <2 x float> %123, i64 1, !dbg !75
  %126 = tail call { float, float, float, float } @llvm.nvvm.mma.m16n8k16.row.col.f32.f32(<2 x half> %80, <2 x half> %82, <2 x half> %84, <2 x half> %86, <2 x half> %107, <2 x half> %108, float %121, float %122, float %124, float %125), !dbg !75
  %127 = extractvalue { float, float, float, float } %126, 0, !dbg !75
  %128 = extractvalue { float, float, float, float } %126, 1, !dbg !75
  %129 = extractvalue { float, float, float, float } %126, 2, !dbg !75
  %130 = extractvalue { float, float, float, float } %126, 3, !dbg !75
  %131 = getelementptr i8, ptr addrspace(3) %gep69, i64 %.idx12.1, !dbg !24
  %132 = tail call { i32, i32, i32, i32 } @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.b16.p3(ptr addrspace(3) %131), !dbg !24
  %133 = extractvalue { i32, i32, i32, i32 } %132, 0, !dbg !24
  %134 = bitcast i32 %133 to <2 x half>, !dbg !24
  %135 = extractvalue { i32, i32, i32, i32 } %132, 1, !dbg !24
  %136 = bitcast i32 %135 to <2 x half>, !dbg !24
  %137 = extractvalue { i32, i32, i32, i32 } %132, 2, !dbg !24
  %138 = bitcast i32 %137 to <2 x half>, !dbg !24
  %139 = extractvalue { i32, i32, i32, i32 } %132, 3, !dbg !24
  %140 = bitcast i32 %139 to <2 x half>, !dbg !24
  %gep47.1 = getelementptr inbounds nuw i8, ptr addrspace(3) %gep73, i64 512, !dbg !52
  %141 = load i32, ptr addrspace(3) %gep47.1, align 4, !dbg !52
  %142 = lshr i32 %141, 8, !dbg !53
  %143 = and i32 %141, 983055, !dbg !54
  %144 = or disjoint i32 %143, 1677747200, !dbg !55
  %145 = and i32 %141, 15728880, !dbg !56
  %146 = or disjoint i32 %145, 1677747200, !dbg !57
  %147 = and i32 %142, 983055, !dbg !58
  %148 = or disjoint i32 %147, 1677747200, !dbg !59
  %149 = and i32 %142, 15728880, !dbg !60
  %150 = or disjoint i32 %149, 1677747200, !dbg !61
  %151 = bitcast i32 %144 to <2 x half>, !dbg !62
  %152 = bitcast i32 %146 to <2 x half>, !dbg !63
  %153 = bitcast i32 %148 to <2 x half>, !dbg !64
  %154 = bitcast i32 %150 to <2 x half>, !dbg !65
  %155 = fsub <2 x half> %151, %70, !dbg !66
  %156 = tail call <2 x half> @llvm.fma.v2f16(<2 x half> %152, <2 x half> splat (half 0xH2C00), <2 x half> %74), !dbg !67
  %157 = fsub <2 x half> %153, %72, !dbg !68
  %158 = tail call <2 x half> @llvm.fma.v2f16(<2 x half> %154, <2 x half> splat (half 0xH2C00), <2 x half> %76), !dbg !69
  %159 = fmul <2 x half> %60, %155, !dbg !70
  %160 = fmul <2 x half> %60, %156, !dbg !71
  %161 = fmul <2 x half> %62, %157, !dbg !72
  %162 = fmul <2 x half> %62, %158, !dbg !73
  %163 = tail call { float, float, float, float } @llvm.nvvm.mma.m16n8k16.row.col.f32.f32(<2 x half> %134, <2 x half> %136, <2 x half> %138, <2 x half> %140, <2 x half> %159, <2 x half> %160, float %116, float %117, float %118, float %119), !dbg !74
  %164 = extractvalue { float, float, float, float } %163, 0, !dbg !74
  %165 = extractvalue { float, float, float, float } %163, 1, !dbg !74
  %166 = extractvalue { float, float, float, float } %163, 2, !dbg !74
  %167 = extractvalue { float, float, float, float } %163, 3, !dbg !74
  %168 = tail call { float, float, float, float } @llvm.nvvm.mma.m16n8k16.row.col.f32.f32(<2 x half> %134, <2 x half> %136, <2 x half> %138, <2 x half> %140, <2 x half> %161, <2 x half> %162, float %127, float %128, float %129, float %130), !dbg !75
  %169 = extractvalue { float, float, float, float } %168, 0, !dbg !75
  %170 = extractvalue { float, float, float, float } %168, 1, !dbg !75
  %171 = extractvalue { float, float, float, float } %168, 2, !dbg !75
  %172 = extractvalue { float, float, float, float } %168, 3, !dbg !75
  %173 = getelementptr i8, ptr addrspace(3) %gep69, i64 %.idx12.2, !dbg !24
  %174 = tail call { i32, i32, i32, i32 } @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.b16.p3(ptr addrspace(3) %173), !dbg !24
  %175 = extractvalue { i32, i32, i32, i32 } %174, 0, !dbg !24
  %176 = bitcast i32 %175 to <2 x half>, !dbg !24
  %177 = extractvalue { i32, i32, i32, i32 } %174, 1, !dbg !24
  %178 = bitcast i32 %177 to <2 x half>, !dbg !24
  %179 = extractvalue { i32, i32, i32, i32 } %174, 2, !dbg !24
  %180 = bitcast i32 %179 to <2 x half>, !dbg !24
  %181 = extractvalue { i32, i32, i32, i32 } %174, 3, !dbg !24
  %182 = bitcast i32 %181 to <2 x half>, !dbg !24
  %gep47.2 = getelementptr inbounds nuw i8, ptr addrspace(3) %gep73, i64 1024, !dbg !52
  %183 = load i32, ptr addrspace(3) %gep47.2, align 4, !dbg !52
  %184 = lshr i32 %183, 8, !dbg !53
  %185 = and i32 %183, 983055, !dbg !54
  %186 = or disjoint i32 %185, 1677747200, !dbg !55
  %187 = and i32 %183, 15728880, !dbg !56
  %188 = or disjoint i32 %187, 1677747200, !dbg !57
  %189 = and i32 %184, 983055, !dbg !58
  %190 = or disjoint i32 %189, 1677747200, !dbg !59
  %191 = and i32 %184, 15728880, !dbg !60
  %192 = or disjoint i32 %191, 1677747200, !dbg !61
  %193 = bitcast i32 %186 to <2 x half>, !dbg !62
  %194 = bitcast i32 %188 to <2 x half>, !dbg !63
  %195 = bitcast i32 %190 to <2 x half>, !dbg !64
  %196 = bitcast i32 %192 to <2 x half>, !dbg !65
  %197 = fsub <2 x half> %193, %70, !dbg !66
  %198 = tail call <2 x half> @llvm.fma.v2f16(<2 x half> %194, <2 x half> splat (half 0xH2C00), <2 x half> %74), !dbg !67
  %199 = fsub <2 x half> %195, %72, !dbg !68
  %200 = tail call <2 x half> @llvm.fma.v2f16(<2 x half> %196, <2 x half> splat (half 0xH2C00), <2 x half> %76), !dbg !69
  %201 = fmul <2 x half> %60, %197, !dbg !70
  %202 = fmul <2 x half> %60, %198, !dbg !71
  %203 = fmul <2 x half> %62, %199, !dbg !72
  %204 = fmul <2 x half> %62, %200, !dbg !73
  %205 = tail call { float, float, float, float } @llvm.nvvm.mma.m16n8k16.row.col.f32.f32(<2 x half> %176, <2 x half> %178, <2 x half> %180, <2 x half> %182, <2 x half> %201, <2 x half> %202, float %164, float %165, float %166, float %167), !dbg !74
  %206 = extractvalue { float, float, float, float } %205, 0, !dbg !74
  %207 = extractvalue { float, float, float, float } %205, 1, !dbg !74
  %208 = extractvalue { float, float, float, float } %205, 2, !dbg !74
  %209 = extractvalue { float, float, float, float } %205, 3, !dbg !74
  %210 = tail call { float, float, float, float } @llvm.nvvm.mma.m16n8k16.row.col.f32.f32(<2 x half> %176, <2 x half> %178, <2 x half> %180, <2 x half> %182, <2 x half> %203, <2 x half> %204, float %169, float %170, float %171, float %172), !dbg !75
  %211 = extractvalue { float, float, float, float } %210, 0, !dbg !75
  %212 = extractvalue { float, float, float, float } %210, 1, !dbg !75
  %213 = extractvalue { float, float, float, float } %210, 2, !dbg !75
  %214 = extractvalue { float, float, float, float } %210, 3, !dbg !75
  %215 = getelementptr i8, ptr addrspace(3) %gep69, i64 %.idx12.3, !dbg !24
  %216 = tail call { i32, i32, i32, i32 } @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.b16.p3(ptr addrspace(3) %215), !dbg !24
  %217 = extractvalue { i32, i32, i32, i32 } %216, 0, !dbg !24
  %218 = bitcast i32 %217 to <2 x half>, !dbg !24
  %219 = extractvalue { i32, i32, i32, i32 } %216, 1, !dbg !24
  %220 = bitcast i32 %219 to <2 x half>, !dbg !24
  %221 = extractvalue { i32, i32, i32, i32 } %216, 2, !dbg !24
  %222 = bitcast i32 %221 to <2 x half>, !dbg !24
  %223 = extractvalue { i32, i32, i32, i32 } %216, 3, !dbg !24
  %224 = bitcast i32 %223 to <2 x half>, !dbg !24
  %gep47.3 = getelementptr inbounds nuw i8, ptr addrspace(3) %gep73, i64 1536, !dbg !52
  %225 = load i32, ptr addrspace(3) %gep47.3, align 4, !dbg !52
  %226 = lshr i32 %225, 8, !dbg !53
  %227 = and i32 %225, 983055, !dbg !54
  %228 = or disjoint i32 %227, 1677747200, !dbg !55
  %229 = and i32 %225, 15728880, !dbg !56
  %230 = or disjoint i32 %229, 1677747200, !dbg !57
  %231 = and i32 %226, 983055, !dbg !58
  %232 = or disjoint i32 %231, 1677747200, !dbg !59
  %233 = and i32 %226, 15728880, !dbg !60
  %234 = or disjoint i32 %233, 1677747200, !dbg !61
  %235 = bitcast i32 %228 to <2 x half>, !dbg !62
  %236 = bitcast i32 %230 to <2 x half>, !dbg !63
  %237 = bitcast i32 %232 to <2 x half>, !dbg !64
  %238 = bitcast i32 %234 to <2 x half>, !dbg !65
  %239 = fsub <2 x half> %235, %70, !dbg !66
  %240 = tail call <2 x half> @llvm.fma.v2f16(<2 x half> %236, <2 x half> splat (half 0xH2C00), <2 x half> %74), !dbg !67
  %241 = fsub <2 x half> %237, %72, !dbg !68
  %242 = tail call <2 x half> @llvm.fma.v2f16(<2 x half> %238, <2 x half> splat (half 0xH2C00), <2 x half> %76), !dbg !69
  %243 = fmul <2 x half> %60, %239, !dbg !70
  %244 = fmul <2 x half> %60, %240, !dbg !71
  %245 = fmul <2 x half> %62, %241, !dbg !72
  %246 = fmul <2 x half> %62, %242, !dbg !73
  %247 = tail call { float, float, float, float } @llvm.nvvm.mma.m16n8k16.row.col.f32.f32(<2 x half> %218, <2 x half> %220, <2 x half> %222, <2 x half> %224, <2 x half> %243, <2 x half> %244, float %206, float %207, float %208, float %209), !dbg !74
  %248 = extractvalue { float, float, float, float } %247, 0, !dbg !74
  %249 = extractvalue { float, float, float, float } %247, 1, !dbg !74
  %250 = insertelement <2 x float> poison, float %248, i64 0, !dbg !74
  %251 = insertelement <2 x float> %250, float %249, i64 1, !dbg !74
  %252 = extractvalue { float, float, float, float } %247, 2, !dbg !74
  %253 = extractvalue { float, float, float, float } %247, 3, !dbg !74
  %254 = insertelement <2 x float> poison, float %252, i64 0, !dbg !74
  %255 = insertelement <2 x float> %254, float %253, i64 1, !dbg !74
  %256 = insertvalue [2 x <2 x float>] poison, <2 x float> %251, 0, !dbg !74
  %257 = insertvalue [2 x <2 x float>] %256, <2 x float> %255, 1, !dbg !74
  %258 = tail call { float, float, float, float } @llvm.nvvm.mma.m16n8k16.row.col.f32.f32(<2 x half> %218, <2 x half> %220, <2 x half> %222, <2 x half> %224, <2 x half> %245, <2 x half> %246, float %211, float %212, float %213, float %214), !dbg !75
  %259 = extractvalue { float, float, float, float } %258, 0, !dbg !75
  %260 = extractvalue { float, float, float, float } %258, 1, !dbg !75
  %261 = insertelement <2 x float> poison, float %259, i64 0, !dbg !75
  %262 = insertelement <2 x float> %261, float %260, i64 1, !dbg !75
  %263 = extractvalue { float, float, float, float } %258, 2, !dbg !75
  %264 = extractvalue { float, float, float, float } %258, 3, !dbg !75
  %265 = insertelement <2 x float> poison, float %263, i64 0, !dbg !75
  %266 = insertelement <2 x float> %265, float %264, i64 1, !dbg !75
  %267 = insertvalue [2 x <2 x float>] poison, <2 x float> %262, 0, !dbg !75
  %268 = insertvalue [2 x <2 x float>] %267, <2 x float> %266, 1, !dbg !75
  %269 = add nuw nsw i64 %41, 1, !dbg !22
  %exitcond.not = icmp eq i64 %269, 4, !dbg !22
  br i1 %exitcond.not, label %270, label %38, !dbg !22

270:                                              ; preds = %48
  %271 = shl nuw nsw i64 %7, 1, !dbg !76
  %272 = and i64 %271, 6, !dbg !76
  %273 = or disjoint i64 %27, %272, !dbg !77
  %274 = or disjoint i64 %273, 8, !dbg !78
  %.idx80 = shl nuw nsw i64 %26, 8, !dbg !79
  %275 = getelementptr i8, ptr %4, i64 %.idx80, !dbg !79
  %276 = getelementptr float, ptr %275, i64 %273, !dbg !79
  store <2 x float> %251, ptr %276, align 4, !dbg !79
  %277 = getelementptr i8, ptr %275, i64 2048, !dbg !80
  %278 = getelementptr float, ptr %277, i64 %273, !dbg !80
  store <2 x float> %255, ptr %278, align 4, !dbg !80
  %279 = getelementptr float, ptr %275, i64 %274, !dbg !81
  store <2 x float> %262, ptr %279, align 4, !dbg !81
  %280 = getelementptr float, ptr %277, i64 %274, !dbg !82
  store <2 x float> %266, ptr %280, align 4, !dbg !82
  ret void, !dbg !83
}

; Function Attrs: nocallback nofree nosync nounwind speculatable willreturn memory(none)
declare noundef range(i32 0, 1024) i32 @llvm.nvvm.read.ptx.sreg.tid.x() #1

; Function Attrs: nounwind
declare void @llvm.nvvm.cp.async.wait.group(i32 immarg) #2

; Function Attrs: convergent nocallback nounwind
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32) #3

; Function Attrs: nocallback nounwind memory(argmem: readwrite)
declare void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) noalias writeonly, ptr addrspace(1) noalias readonly) #4

; Function Attrs: nounwind
declare void @llvm.nvvm.cp.async.commit.group() #2

; Function Attrs: convergent nocallback nounwind memory(argmem: read)
declare { i32, i32, i32, i32 } @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.b16.p3(ptr addrspace(3) readonly captures(none)) #5

; Function Attrs: nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none)
declare <2 x half> @llvm.fma.v2f16(<2 x half>, <2 x half>, <2 x half>) #6

; Function Attrs: nocallback nounwind memory(none)
declare { float, float, float, float } @llvm.nvvm.mma.m16n8k16.row.col.f32.f32(<2 x half>, <2 x half>, <2 x half>, <2 x half>, <2 x half>, <2 x half>, float, float, float, float) #7

attributes #0 = { nounwind "nvvm.maxntid"="128,1,1" }
attributes #1 = { nocallback nofree nosync nounwind speculatable willreturn memory(none) }
attributes #2 = { nounwind }
attributes #3 = { convergent nocallback nounwind }
attributes #4 = { nocallback nounwind memory(argmem: readwrite) }
attributes #5 = { convergent nocallback nounwind memory(argmem: read) }
attributes #6 = { nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none) }
attributes #7 = { nocallback nounwind memory(none) }

!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!2}

!0 = distinct !DICompileUnit(language: DW_LANG_C, file: !1, producer: "MLIR", isOptimized: true, runtimeVersion: 0, emissionKind: LineTablesOnly)
!1 = !DIFile(filename: "w4_ring.mlir", directory: "")
!2 = !{i32 2, !"Debug Info Version", i32 3}
!3 = distinct !DISubprogram(name: "w4_ring", linkageName: "w4_ring", scope: !1, file: !1, line: 12, type: !4, scopeLine: 12, spFlags: DISPFlagDefinition | DISPFlagOptimized, unit: !0)
!4 = !DISubroutineType(cc: DW_CC_normal, types: !5)
!5 = !{}
!6 = !DILocation(line: 25, column: 12, scope: !3)
!7 = !DILocation(line: 26, column: 13, scope: !3)
!8 = !DILocation(line: 27, column: 13, scope: !3)
!9 = !DILocation(line: 30, column: 11, scope: !3)
!10 = !DILocation(line: 33, column: 12, scope: !3)
!11 = !DILocation(line: 34, column: 12, scope: !3)
!12 = !DILocation(line: 35, column: 13, scope: !3)
!13 = !DILocation(line: 39, column: 11, scope: !3)
!14 = !DILocation(line: 41, column: 5, scope: !3)
!15 = !DILocation(line: 44, column: 13, scope: !3)
!16 = !DILocation(line: 47, column: 13, scope: !3)
!17 = !DILocation(line: 48, column: 12, scope: !3)
!18 = !DILocation(line: 52, column: 11, scope: !3)
!19 = !DILocation(line: 53, column: 12, scope: !3)
!20 = !DILocation(line: 54, column: 12, scope: !3)
!21 = !DILocation(line: 56, column: 11, scope: !3)
!22 = !DILocation(line: 67, column: 14, scope: !3)
!23 = !DILocation(line: 104, column: 16, scope: !3)
!24 = !DILocation(line: 106, column: 15, scope: !3)
!25 = !DILocation(line: 69, column: 7, scope: !3)
!26 = !DILocation(line: 70, column: 7, scope: !3)
!27 = !DILocation(line: 73, column: 15, scope: !3)
!28 = !DILocation(line: 74, column: 7, scope: !3)
!29 = !DILocation(line: 72, column: 13, scope: !3)
!30 = !DILocation(line: 75, column: 15, scope: !3)
!31 = !DILocation(line: 78, column: 15, scope: !3)
!32 = !DILocation(line: 81, column: 15, scope: !3)
!33 = !DILocation(line: 83, column: 7, scope: !3)
!34 = !DILocation(line: 84, column: 13, scope: !3)
!35 = !DILocation(line: 85, column: 14, scope: !3)
!36 = !DILocation(line: 86, column: 14, scope: !3)
!37 = !DILocation(line: 87, column: 14, scope: !3)
!38 = !DILocation(line: 88, column: 14, scope: !3)
!39 = !DILocation(line: 89, column: 14, scope: !3)
!40 = !DILocation(line: 90, column: 14, scope: !3)
!41 = !DILocation(line: 91, column: 13, scope: !3)
!42 = !DILocation(line: 92, column: 13, scope: !3)
!43 = !DILocation(line: 93, column: 13, scope: !3)
!44 = !DILocation(line: 94, column: 13, scope: !3)
!45 = !DILocation(line: 95, column: 14, scope: !3)
!46 = !DILocation(line: 96, column: 14, scope: !3)
!47 = !DILocation(line: 97, column: 14, scope: !3)
!48 = !DILocation(line: 98, column: 14, scope: !3)
!49 = !DILocation(line: 99, column: 14, scope: !3)
!50 = !DILocation(line: 100, column: 14, scope: !3)
!51 = !DILocation(line: 101, column: 14, scope: !3)
!52 = !DILocation(line: 107, column: 14, scope: !3)
!53 = !DILocation(line: 108, column: 15, scope: !3)
!54 = !DILocation(line: 109, column: 16, scope: !3)
!55 = !DILocation(line: 110, column: 16, scope: !3)
!56 = !DILocation(line: 111, column: 16, scope: !3)
!57 = !DILocation(line: 112, column: 16, scope: !3)
!58 = !DILocation(line: 113, column: 16, scope: !3)
!59 = !DILocation(line: 114, column: 16, scope: !3)
!60 = !DILocation(line: 115, column: 16, scope: !3)
!61 = !DILocation(line: 116, column: 16, scope: !3)
!62 = !DILocation(line: 117, column: 15, scope: !3)
!63 = !DILocation(line: 118, column: 15, scope: !3)
!64 = !DILocation(line: 119, column: 15, scope: !3)
!65 = !DILocation(line: 120, column: 15, scope: !3)
!66 = !DILocation(line: 121, column: 15, scope: !3)
!67 = !DILocation(line: 122, column: 15, scope: !3)
!68 = !DILocation(line: 123, column: 15, scope: !3)
!69 = !DILocation(line: 124, column: 15, scope: !3)
!70 = !DILocation(line: 125, column: 15, scope: !3)
!71 = !DILocation(line: 126, column: 15, scope: !3)
!72 = !DILocation(line: 127, column: 15, scope: !3)
!73 = !DILocation(line: 128, column: 15, scope: !3)
!74 = !DILocation(line: 134, column: 15, scope: !3)
!75 = !DILocation(line: 135, column: 15, scope: !3)
!76 = !DILocation(line: 141, column: 11, scope: !3)
!77 = !DILocation(line: 142, column: 12, scope: !3)
!78 = !DILocation(line: 143, column: 12, scope: !3)
!79 = !DILocation(line: 148, column: 5, scope: !3)
!80 = !DILocation(line: 149, column: 5, scope: !3)
!81 = !DILocation(line: 150, column: 5, scope: !3)
!82 = !DILocation(line: 151, column: 5, scope: !3)
!83 = !DILocation(line: 152, column: 5, scope: !3)
